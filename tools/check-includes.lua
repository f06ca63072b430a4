-- Checks that includes point down: the floor plan of docs, proved from the #include lines.
-- Usage: lua5.4 tools/check-includes.lua (in the project's root)

-- The layers of the core, lowest first. A file belongs to the layer with the longest name that it
-- begins with (report_text.c: report) and may include headers of its own layer and lower ones.
local layers = {
    { "memory", "list", "slots" },
    { "intensity", "backoff", "lifecycle" },
    { "timers", "names" },
    { "state", "value", "clock" },
    { "process", "mailbox", "link", "monitor", "delayed", "possession", "event", "registry",
        "clock_step" },
    { "supervisor", "child", "cursor", "request", "start", "guest", "life", "lose", "incarnation", "dynamic",
        "static", "shutdown", "saved", "limits", "renew" },
    { "host", "ahead", "pump", "slice", "reap", "halt", "check" },
    { "api" },
    { "watchdog", "uv", "report", "record" },
}

-- Headers of the core that others may include, and that every file of the core may include.
local public = {
    ["core/dynsup.h"] = true,
    ["core/dynsup_base.h"] = true,
    ["core/dynsup_body.h"] = true,
    ["core/dynsup_clock.h"] = true,
    ["core/dynsup_event.h"] = true,
    ["core/dynsup_limits.h"] = true,
    ["core/dynsup_look.h"] = true,
    ["core/dynsup_record.h"] = true,
    ["core/dynsup_registry.h"] = true,
    ["core/dynsup_report.h"] = true,
    ["core/dynsup_supervisor.h"] = true,
    ["core/dynsup_uv.h"] = true,
    ["core/dynsup_value.h"] = true,
    ["core/tiny.h"] = true,
}

-- What the other folders may include: a test of the path for each.
local allowed = {
    bindings = function(path) return public[path] or path:match "^bindings/" end,
    cli = function(path) return public[path] or path:match "^cli/" or path:match "^bindings/dynsup_lua" end,
}

local problems = 0

local function problem(file, number, text)
    problems = problems + 1
    print(("%s:%d: %s"):format(file, number, text))
end

local function exists(path)
    local file = io.open(path)
    return file and file:close() or false
end

-- The path of an included file of the project, relative to the folder of the including file.
local function resolve(folder, name)
    for _, path in ipairs { folder .. "/" .. name, name } do
        if exists(path) then return path end
    end
end

local function rank(path)
    local noun = path:match "([^/]+)%.[ch]$"
    local best, best_length = nil, 0
    for number, names in ipairs(layers) do
        for _, name in ipairs(names) do
            local belongs = noun == name or noun:sub(1, #name + 1) == name .. "_"
            if belongs and #name > best_length then best, best_length = number, #name end
        end
    end
    return best
end

local function is_test(path)
    return path:match "_test%.c$" or path:match "/test_[^/]*$"
end

local function check_core(file, number, path)
    if is_test(file) or public[path] then return end
    if public[file] then return problem(file, number, "a public header includes " .. path .. ", which is not") end
    if is_test(path) then return problem(file, number, "includes a test's header") end
    if not path:match "^core/" then return problem(file, number, "includes " .. path .. ", which is above the core") end
    local mine, theirs = rank(file), rank(path)
    if not mine then return end
    if not theirs then return problem(file, number, path .. " has no layer in tools/check-includes.lua") end
    if theirs > mine then return problem(file, number, "includes " .. path .. ", which is a layer above") end
end

local function check_system(folder, file, number, name)
    local is_uv = name == "uv.h" or name:match "^uv/"
    local is_lua = name:match "^l[ua][ua]" or name:match "^luv/"
    if folder == "core" and is_lua then problem(file, number, "the core sees no Lua") end
    if folder == "core" and is_uv and not (file:match "^core/uv_" or file:match "^core/test_uv") then
        problem(file, number, "only core/uv_*.c and their tests include libuv")
    end
end

local function check_line(folder, file, number, line)
    local quote, name = line:match '^%s*#%s*include%s*([<"])([^>"]+)'
    if not quote then return end
    local path = quote == '"' and resolve(folder, name)
    if not path then
        check_system(folder, file, number, name)
    elseif folder == "core" then
        check_core(file, number, path)
    elseif not is_test(file) and not allowed[folder](path) then
        problem(file, number, "may not include " .. path)
    end
end

local function check_file(folder, file)
    if folder == "core" and not (public[file] or is_test(file) or rank(file)) then
        problem(file, 1, "has no layer in tools/check-includes.lua")
    end
    local number = 0
    for line in io.lines(file) do
        number = number + 1
        check_line(folder, file, number, line)
    end
end

local files = 0
for _, folder in ipairs { "core", "bindings", "cli" } do
    local list = assert(io.popen("find " .. folder .. " -name '*.[ch]' | LC_ALL=C sort"))
    for file in list:lines() do
        files = files + 1
        check_file(folder, file)
    end
    list:close()
end

print(("%d files, %d wrong includes"):format(files, problems))
os.exit(problems == 0 and files > 0)
