-- Calls a module written in C that uses dynsup's C API.
print(require "native" { code = 404 })
