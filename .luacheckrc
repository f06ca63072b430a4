-- Settings of luacheck for all Lua files of the project.
std = "lua54"
max_line_length = 120
exclude_files = { "build" }
files["spec"] = { std = "lua54+busted" }
