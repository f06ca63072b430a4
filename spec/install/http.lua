-- A request that nobody answers: tells how dynsup.http fails with and without libcurl.
local loaded, http = pcall(require, "dynsup.http")
print(loaded and select(2, http.get "http://127.0.0.1:1/") or http)
