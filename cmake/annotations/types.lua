---@meta _

-- The types of dynsup's Lua API, for editors: what the signatures in docs/api.md and docs/api/ refer to
-- (there without the "dynsup." before their names). docs/semantics.md says what the fields mean.

-- ---- words ----

--- A process.
---@class dynsup.pid: lightuserdata

--- A monitor.
---@class dynsup.ref: lightuserdata

--- A message that will be sent.
---@class dynsup.timer: lightuserdata

--- Milliseconds.
---@alias dynsup.time number|"infinity"

--- A key of a registry, as a dest.
---@class dynsup.key
---@field [1] dynsup.pid|string the registry
---@field [2] any the key

--- A key of a registry, as the name of what is started.
---@class dynsup.key_name: dynsup.key
---@field [3]? any the value of the entry

---@alias dynsup.dest dynsup.pid|string|dynsup.key
---@alias dynsup.name string|dynsup.key_name

---@alias dynsup.reason string|table

--- An uncaught error as a reason.
---@class dynsup.crash
---@field error any
---@field traceback string
---@field callback? string of a server: what it was running
---@field last_message? any of a server: what it was handling

--- A function or "module:function".
---@alias dynsup.code (fun(...: any): ...: any)|string

---@alias dynsup.kind "worker"|"supervisor"
---@alias dynsup.level "error"|"warning"|"info"|"debug"

-- ---- children ----

---@class dynsup.backoff
---@field min? number ms before the first restart (100)
---@field max? number ms (30000)
---@field factor? number (2)
---@field jitter? number from 0 to 1 (0.1)
---@field reset_after? number ms of life after which the series begins anew (max)

--- What a child may use; "infinity": no limit, whatever its supervisor's limits are.
---@class dynsup.limits
---@field max_slice? number|"infinity" ms a slice may go on after it was asked to give way
---@field max_cpu? number|"infinity" ms within a second
---@field deadline? number|"infinity" ms of the whole life of an incarnation
---@field max_memory? integer|"infinity" bytes
---@field max_mailbox? integer|"infinity"|dynsup.mailbox_limit messages that may wait
---@field max_message? integer|"infinity" bytes of a message from another heap

---@class dynsup.mailbox_limit
---@field max integer|"infinity"
---@field policy? "exit"|"refuse"|"drop_oldest"|"drop_newest" ("exit")

---@class dynsup.child_spec: dynsup.limits
---@field body? dynsup.code the worker, run as a new process
---@field start? dynsup.code instead of body: a start function, which returns a pid
---@field args? table arguments for either; with nils if it has n
---@field id? any
---@field restart? "permanent"|"transient"|"temporary"
---@field shutdown? number|"infinity"|"brutal_kill" ms (5000; of a supervisor "infinity")
---@field type? dynsup.kind ("worker")
---@field name? dynsup.name with body: registered before start_child returns
---@field ready? boolean with body: start_child waits until it calls ready
---@field start_timeout? dynsup.time with ready: for how long
---@field backoff? boolean|dynsup.backoff
---@field max_restores? integer|"infinity" how many restores of a saved state may fail in a row (2)
---@field env? "private"|dynsup.allowed with body = "module:function": its globals
---@field max_restarts? integer a limit of restarts of its own, within max_seconds (3)
---@field max_seconds? number (5)
---@field heap? "own" each incarnation has a heap of its own
---@field modules? table|"dynamic"
---@field significant? boolean under a static supervisor with auto_shutdown

--- The names of what a worker finds beside what is harmless.
---@class dynsup.allowed
---@field allow string[] libraries, functions, and with "require" modules

--- A module whose child_spec(arg) tells how it is started.
---@class dynsup.child_module
---@field child_spec fun(arg: any): dynsup.child

--- { module, arg }: the child that module.child_spec(arg) tells of.
---@class dynsup.child_pair
---@field [1] table a module with child_spec
---@field [2]? any

---@alias dynsup.child dynsup.child_spec|dynsup.child_module|dynsup.child_pair|dynsup.code

---@class dynsup.child_info
---@field id any
---@field pid? dynsup.pid|"restarting"|"failed" nil: down, under a static supervisor
---@field type dynsup.kind
---@field modules? table|"dynamic"
---@field name? dynsup.name
---@field last_pid? dynsup.pid

---@class dynsup.counts
---@field specs integer all children
---@field active integer those that have a process
---@field supervisors integer
---@field workers integer

-- ---- supervisors ----

---@class dynsup.name_options
---@field name? dynsup.name

---@class dynsup.init_options
---@field strategy? "one_for_one"
---@field max_restarts? integer within max_seconds (3)
---@field max_seconds? number (5)
---@field max_children? integer|"infinity"
---@field extra_arguments? table go before the arguments of each child
---@field heaps? integer how many further heaps its children live in
---@field heap_memory? integer bytes each of them may have
---@field limits? dynsup.limits of its workers, for what their specs do not say

---@class dynsup.supervisor_options: dynsup.init_options
---@field name? dynsup.name
---@field clock? dynsup.handle|"host" of the supervisor and all that is started under it

---@class dynsup.static_init_options
---@field strategy? "one_for_one"|"one_for_all"|"rest_for_one"
---@field max_restarts? integer within max_seconds (3)
---@field max_seconds? number (5)
---@field auto_shutdown? "never"|"any_significant"|"all_significant"
---@field limits? dynsup.limits of its workers, for what their specs do not say

---@class dynsup.static_options: dynsup.static_init_options
---@field name? dynsup.name
---@field clock? dynsup.handle|"host"

--- A supervisor whose options come from a function.
---@class dynsup.init_module
---@field init fun(arg: any): table|"ignore"

-- ---- processes ----

---@class dynsup.process_info
---@field pid dynsup.pid
---@field name? string
---@field status "running"|"runnable"|"waiting"|"idle"
---@field label string
---@field type dynsup.kind
---@field links dynsup.pid[]
---@field monitors dynsup.pid[]
---@field monitored_by integer
---@field mailbox integer messages in it
---@field memory integer bytes, roughly
---@field slices integer
---@field cpu_time number ms, sampled
---@field parent? dynsup.pid
---@field started_at number as now() counts
---@field incarnation integer
---@field trap_exit boolean
---@field paused boolean
---@field supervisor? dynsup.pid
---@field heap? integer that its code is in; 0: the first
---@field traceback? string
---@field limits? dynsup.limits of a child that has some
---@field dropped? integer with limits: messages that its full mailbox has lost

---@class dynsup.heap_info
---@field heap integer its number; 0: the first
---@field processes? integer nil of the first
---@field memory integer bytes of Lua's
---@field limit? integer bytes
---@field lost boolean

--- What the incarnation before has left.
---@class dynsup.previous
---@field state any a copy
---@field reason any with which that incarnation ended
---@field attempt integer with this state

---@class dynsup.reload_options
---@field restart? boolean (true)

---@class dynsup.run_options
---@field clock? "real"|"virtual"
---@field seed? integer
---@field preempt? boolean (true)
---@field slice? number ms (1)
---@field count_hook? boolean
---@field copy_messages? boolean
---@field memory_accounts? boolean (false)
---@field log_level? "off"|dynsup.level ("warning")
---@field log_format? "text"|"logfmt"|"json"
---@field log? fun(level: dynsup.level, text: string)
---@field event_log? fun(line: string)

--- A clock: the time of a tree of processes.
---@class dynsup.handle

---@class dynsup.clock_options
---@field paused? boolean (false)
---@field rate? number (1)

-- ---- events ----

---@alias dynsup.event_name
---| "spawned"
---| "exited"
---| "crashed"
---| "started"
---| "restarted"
---| "removed"
---| "delayed"
---| "refused"
---| "child_terminated"
---| "start_error"
---| "shutdown_error"
---| "gave_up"
---| "unexpected"
---| "stuck"
---| "hup"
---| "state_dropped"
---| "child_failed"
---| "messages_dropped"
---| "heap_opened"
---| "heap_lost"
---| "heap_closed"

---@class dynsup.filter
---@field events? dynsup.event_name|dynsup.event_name[]
---@field level? dynsup.level that one and worse
---@field supervisor? dynsup.dest
---@field pid? dynsup.dest

---@class dynsup.event
---@field event dynsup.event_name
---@field level dynsup.level
---@field time number seconds since 1970
---@field at number as now() counts
---@field pid? dynsup.pid
---@field name? dynsup.name
---@field type? dynsup.kind|"process"
---@field supervisor? dynsup.pid
---@field supervisor_name? dynsup.name
---@field reason? any
---@field detail? any of a start that failed: what was said besides the reason
---@field error? string of "refused": why
---@field delay? number ms, of "delayed" and "stuck"
---@field id? any
---@field incarnation? integer
---@field func? string where the child's function is
---@field restart? "permanent"|"transient"|"temporary"
---@field shutdown? number|"infinity"|"brutal_kill"
---@field restarts? integer within the period so far
---@field max_restarts? integer
---@field max_seconds? number
---@field next? "restart"|"delayed_restart"|"give_up"|"fail"|"none"
---@field dropped? integer of "messages_dropped": how many so far
---@field heap? integer the number of the heap, in place of a process
---@field limit? integer of a heap: its bytes
---@field processes? integer of "heap_lost": how many end with it
---@field restores? integer of "state_dropped": how often the state had failed
---@field lost? integer how many events before it were missed

---@class dynsup.observation
---@field pid dynsup.pid the process that is told

-- ---- dynsup.server ----

--- What a callback may return behind the state: ms, a continuation, or nothing special.
---@alias dynsup.server_extra number|{ continue: any }|"infinity"|"hibernate"

--- The callbacks of a server; docs/api/server.md says what each returns.
---@class dynsup.callbacks
---@field init? fun(arg: any): "ok"|"ignore"|"stop", any, dynsup.server_extra?
---@field handle_call? fun(request: any, from: dynsup.from, state: any): "reply"|"noreply"|"stop", any, any, any
---@field handle_cast? fun(request: any, state: any): "noreply"|"stop", any, any
---@field handle_info? fun(message: table, state: any): "noreply"|"stop", any, any
---@field handle_continue? fun(x: any, state: any): "noreply"|"stop", any, any
---@field terminate? fun(reason: dynsup.reason, state: any)
---@field start_link? fun(arg: any, ...: any): ...: any
---@field child_spec? fun(arg: any): dynsup.child

--- Names one call of a server.
---@class dynsup.from

---@class dynsup.server_options
---@field name? dynsup.name
---@field timeout? dynsup.time for init

-- ---- dynsup.task ----

---@class dynsup.task_handle
---@field pid dynsup.pid
---@field ref dynsup.ref
---@field owner dynsup.pid
---@field linked boolean

---@class dynsup.stream_options
---@field max_concurrency? integer (8)
---@field ordered? boolean (true)
---@field timeout? dynsup.time for each task (5000)
---@field on_timeout? "exit"|"kill_task"
---@field zip_input_on_exit? boolean whether the item follows the reason of an exit
---@field link? boolean whether a crash takes the caller along

-- ---- dynsup.registry ----

---@class dynsup.registry_options
---@field keys "unique"|"duplicate"
---@field name? string

---@class dynsup.entry
---@field pid dynsup.pid
---@field value any

---@class dynsup.key_entry: dynsup.entry
---@field key any

-- ---- dynsup.net ----

---@class dynsup.socket_options
---@field background? boolean who waits at it does not keep the run going
---@field mode? integer permissions of the file, of `listen` at a path
---@field nodelay? boolean small pieces are sent at once
---@field keepalive? boolean|number true, or after how many idle seconds
---@field send_timeout? dynsup.time

---@class dynsup.socket

---@class dynsup.listener
---@field close fun(self: dynsup.listener): true
---@field is_closing fun(self: dynsup.listener): boolean
---@field give fun(self: dynsup.listener, dest: dynsup.dest): true?, any
---@field set fun(self: dynsup.listener, options: dynsup.socket_options): true?, any, any
---@field sockname fun(self: dynsup.listener): string?, integer|string|nil

-- ---- dynsup.fs ----

---@alias dynsup.file_type "file"|"directory"|"link"|"fifo"|"socket"|"char"|"block"|"unknown"

---@class dynsup.stat
---@field type dynsup.file_type
---@field size integer bytes
---@field mode integer the permission bits
---@field mtime number seconds since 1970
---@field atime number
---@field ctime number
---@field links integer
---@field inode integer
---@field device integer
---@field uid integer
---@field gid integer

---@class dynsup.write_options
---@field append? boolean
---@field mode? integer

---@class dynsup.scandir_options
---@field stat? boolean

---@class dynsup.mkdir_options
---@field parents? boolean
---@field mode? integer

---@class dynsup.hash_options
---@field size? integer the bytes that it must have

---@class dynsup.open_options
---@field mode? integer

---@alias dynsup.open_mode "r"|"w"|"a"|"r+"|"w+"|"a+"

---@class dynsup.file

-- ---- dynsup.http ----

--- Name -> value, or a list of values.
---@alias dynsup.request_headers table<string, string|number|(string|number)[]>

---@class dynsup.http_options
---@field body? string
---@field headers? dynsup.request_headers
---@field timeout? dynsup.time for all of it (30000)
---@field max_bytes? integer|"infinity" of the body
---@field follow? integer redirects (10)
---@field on_chunk? fun(chunk: string) gets the body piece by piece
---@field ca_file? string certificates that are trusted
---@field verify? boolean (true)
---@field proxy? string
---@field decode? boolean asks for a compressed body

---@class dynsup.http_request: dynsup.http_options
---@field url string
---@field method? string ("GET")

--- headers[name] in any case; headers[1] and so on as they came.
---@class dynsup.response_headers
---@field [string] string
---@field [integer] { name: string, value: string }

---@class dynsup.response
---@field status integer
---@field headers dynsup.response_headers
---@field body? string nil with on_chunk
---@field url string

-- ---- dynsup.observer ----

--- A process, as far as a glance shows it.
---@class dynsup.look
---@field pid? dynsup.pid
---@field name? dynsup.name
---@field status? string
---@field type? dynsup.kind
---@field label? string
---@field mailbox? integer
---@field memory? integer
---@field slices? integer
---@field cpu_time? number
---@field parent? dynsup.pid
---@field supervisor? dynsup.pid
---@field started_at? number
---@field incarnation? integer
---@field trap_exit? boolean
---@field paused? boolean
---@field heap? integer the number of the heap that it lives in

--- A child: its process, and how it is supervised.
---@class dynsup.child_look: dynsup.look
---@field id any
---@field state "running"|"starting"|"restarting"|"stopping"|"failed"|"down"
---@field restart "permanent"|"transient"|"temporary"
---@field shutdown number|"infinity"|"brutal_kill"
---@field func? string
---@field last_pid? dynsup.pid

--- A supervisor: its process, and what it does.
---@class dynsup.supervisor_look: dynsup.child_look
---@field specs integer
---@field active integer
---@field supervisors integer
---@field workers integer
---@field restarts integer within the period so far
---@field max_restarts integer
---@field max_seconds number
---@field max_children? integer
---@field starting? boolean
---@field stopping? boolean
---@field children? dynsup.child_look[] in a tree
---@field more? integer children that are not shown

---@class dynsup.roots
---@field [integer] dynsup.supervisor_look
---@field more? integer others that are not shown

---@class dynsup.process_look: dynsup.look
---@field links dynsup.pid[]
---@field monitors dynsup.pid[]
---@field traceback? string
---@field child? dynsup.child_look
---@field waits? dynsup.wait

---@class dynsup.wait
---@field pid dynsup.pid
---@field target? dynsup.pid
---@field what "answer"|"request"|"message"|"time"|"callback"
---@field left? number ms

---@class dynsup.circle
---@field [integer] dynsup.wait
---@field forever boolean

---@class dynsup.tree_options
---@field root? dynsup.dest
---@field limit? integer (1000)
---@field width? integer (100)
---@field depth? integer (32)

---@class dynsup.page_options
---@field limit? integer (100)
---@field after? any what the last page gave

---@class dynsup.top_options
---@field by? "slices"|"cpu_time"|"mailbox"|"memory"
---@field limit? integer (10)
