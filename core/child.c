/* Children: a supervisor's records of what it has started and may have to start again. */
#include "child.h"

#include "limits.h"
#include "registry.h"
#include "saved.h"
#include "supervisor.h"

#include <assert.h>
#include <string.h>

dsi_child_extra *dsi_child_extra_get(dynsup_host *host, dsi_child *child) {
    if (child->extra)
        return child->extra;
    dsi_child_extra *extra = dsi_memory_new(&host->memory, sizeof *extra);
    if (!extra)
        return NULL;
    extra->child = child;
    extra->timer.purpose = DSI_PURPOSE_CHILD;
    extra->start_timeout_ms = -1;
    extra->max_restores = DYNSUP_MAX_RESTORES;
    dsi_list_init(&extra->waiters);
    return child->extra = extra;
}

bool dsi_child_want(dynsup_host *host, dsi_child *child, const char *name, size_t length) {
    dsi_child_extra *extra = dsi_child_extra_get(host, child);
    if (extra && extra->wanted)
        return true;
    char *wanted = extra ? dsi_memory_new(&host->memory, length) : NULL;
    if (!wanted)
        return false;
    memcpy(wanted, name, length);
    extra->wanted = wanted;
    extra->wanted_length = length;
    return true;
}

static bool needs_extra(const dynsup_child_spec *spec) {
    return (spec->guest && !spec->starting) || spec->ready || spec->backoff ||
           spec->modules.kind != DYNSUP_NIL || spec->name_key.kind != DYNSUP_NIL ||
           spec->max_restores || spec->restart_limit || spec->limits;
}

static bool own_limit_make(dynsup_host *host, dsi_child_extra *extra,
                           const dynsup_restart_limit *limit) {
    if (!limit)
        return true;
    extra->own = dsi_memory_new(&host->memory, sizeof *extra->own);
    if (extra->own)
        dsi_intensity_init(extra->own, &host->memory, limit->max_restarts, limit->period_ms);
    return extra->own;
}

/* Frees what the extra part has allocated, and the part itself. */
static void extra_blocks_free(dynsup_host *host, dsi_child_extra *extra) {
    if (extra->own)
        dsi_intensity_fini(extra->own);
    dsi_memory_free(&host->memory, extra->own, sizeof *extra->own);
    dsi_limits_free(host, extra);
    dsi_memory_free(&host->memory, extra->wanted, extra->wanted_length);
    dsi_memory_free(&host->memory, extra, sizeof *extra);
}

static bool extra_fill(dynsup_host *host, dsi_child *child, const dynsup_child_spec *spec) {
    if (!needs_extra(spec))
        return true;
    dsi_child_extra *extra = dsi_child_extra_get(host, child);
    if (!extra)
        return false;
    if (spec->name_key.kind != DYNSUP_NIL &&
        !dsi_child_want(host, child, spec->name, spec->name_length))
        return false;
    if (!own_limit_make(host, extra, spec->restart_limit) ||
        !dsi_limits_own(host, child, spec->limits))
        return false;
    extra->modules = spec->modules;
    extra->name_key = spec->name_key;
    extra->name_value = spec->name_value;
    extra->ready = spec->ready;
    extra->start_timeout_ms = spec->start_timeout_ms;
    if (spec->max_restores)
        extra->max_restores = spec->max_restores;
    if (spec->backoff) {
        extra->has_backoff = true;
        extra->backoff.config = *spec->backoff;
    }
    return true;
}

void dsi_child_spec_release(dynsup_host *host, const dynsup_child_spec *spec) {
    dynsup_value values[] = {spec->id, spec->modules, spec->name_key, spec->name_value};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        dsi_value_release(host, &values[i]);
    if (spec->program_ops)
        spec->program_ops->release(spec->program);
}

static dsi_child *new_undo(dynsup_host *host, dsi_child *child, const dynsup_child_spec *spec) {
    if (child && child->extra)
        extra_blocks_free(host, child->extra);
    if (child)
        dsi_slots_free(&host->children, child);
    dsi_child_spec_release(host, spec);
    return NULL;
}

dsi_child *dsi_child_new(dynsup_host *host, dsi_supervisor *supervisor,
                         const dynsup_child_spec *spec) {
    dsi_child *child = dsi_slots_new(&host->children);
    if (!child)
        return new_undo(host, child, spec);
    child->supervisor = supervisor;
    child->is_supervisor = spec->is_supervisor;
    if (!extra_fill(host, child, spec) || (supervisor && !dsi_limits_inherit(supervisor, child)))
        return new_undo(host, child, spec);
    child->parked.kind = DSI_PARKED_CHILD;
    child->program_ops = spec->program_ops;
    child->program = spec->program;
    child->id_kind = (uint8_t)spec->id.kind;
    child->id = spec->id.as.object;
    child->shutdown_ms = spec->shutdown_ms;
    child->state = DSI_CHILD_STARTING;
    child->restart = (uint8_t)spec->restart;
    child->guest = spec->guest;
    child->significant = spec->significant;
    return child;
}

static void extra_free(dynsup_host *host, dsi_child_extra *extra) {
    dsi_child_timer_stop(extra->child);
    dsi_saved_free(host, extra);
    dsi_value_release(host, &extra->modules);
    dsi_value_release(host, &extra->name_key);
    dsi_value_release(host, &extra->name_value);
    dsi_reason_release(host, &extra->late);
    extra_blocks_free(host, extra);
}

static void name_free(dynsup_host *host, dsi_child *child) {
    dsi_name *name = child->name;
    if (!name)
        return;
    name->child = NULL;
    if (name->key) /* else it stays with its process until that ends */
        dsi_key_free_if_unused(name->key);
    else if (!name->process)
        dsi_names_remove(&host->names, name);
    child->name = NULL;
}

void dsi_child_free(dynsup_host *host, dsi_child *child) {
    dynsup_value id = dsi_child_id(child);
    dsi_node_remove(&child->parked.node);
    name_free(host, child);
    dsi_value_release(host, &id);
    if (child->program_ops)
        child->program_ops->release(child->program);
    if (child->extra)
        extra_free(host, child->extra);
    dsi_slots_free(&host->children, child);
}

dsi_process *dsi_child_process(dynsup_host *host, const dsi_child *child) {
    return dsi_process_find(host, child->pid);
}

void dsi_child_attach(dsi_child *child, dsi_process *process) {
    child->pid = process->slot.id;
    if (process->child)
        child->extra->next_same = process->child;
    process->child = child;
    if (!child->extra)
        return;
    child->extra->began_ns = dsi_supervisor_time(child->supervisor);
    dsi_limits_begin(child, process);
}

void dsi_child_lived(dsi_child *child) {
    if (child->extra)
        child->extra->lived_ns = dsi_supervisor_time(child->supervisor) - child->extra->began_ns;
}

bool dsi_child_detach(dsi_child *child, dsi_process *process) {
    assert(child);
    dsi_child **link = &process->child;
    while (*link && *link != child && (*link)->extra)
        link = &(*link)->extra->next_same; /* only the last of a chain may have no extra */
    if (*link != child)
        return false;
    *link = child->extra ? child->extra->next_same : NULL;
    if (!child->extra)
        return true;
    child->extra->next_same = NULL;
    dsi_limits_end(child, process);
    return true;
}

dsi_child *dsi_child_of(const dsi_process *process, const dsi_supervisor *supervisor) {
    dsi_child *child = process->child;
    while (child && child->supervisor != supervisor)
        child = child->extra ? child->extra->next_same : NULL;
    return child;
}

static enum dynsup_child_state state_of(const dsi_child *child) {
    switch ((enum dsi_child_state)child->state) {
    case DSI_CHILD_STARTING:
        return DYNSUP_CHILD_STARTING;
    case DSI_CHILD_RESTARTING:
        return DYNSUP_CHILD_RESTARTING;
    case DSI_CHILD_STOPPING:
    case DSI_CHILD_RENEWING:
        return DYNSUP_CHILD_STOPPING;
    case DSI_CHILD_GONE:
        return DYNSUP_CHILD_DOWN;
    case DSI_CHILD_FAILED:
        return DYNSUP_CHILD_FAILED;
    default:
        return DYNSUP_CHILD_RUNNING;
    }
}

void dsi_child_inspect(const dsi_child *child, dynsup_child_info *info_out) {
    *info_out = (dynsup_child_info){
        .ref = child->slot.id,
        .state = state_of(child),
        .pid = dsi_child_is_down(child) ? 0 : child->pid,
        .last_pid = child->pid,
        .id = dsi_child_id(child),
        .modules = child->extra ? child->extra->modules : dsi_value_nil(),
        .is_supervisor = child->is_supervisor,
        .name = child->name ? child->name->text : NULL,
        .name_length = child->name ? child->name->length : 0,
        .name_registry = child->name ? child->name->registry : 0,
        .name_key = child->extra ? child->extra->name_key : dsi_value_nil(),
        .program_ops = child->program_ops,
        .program = child->program,
        .restart = (enum dynsup_restart)child->restart,
        .shutdown_ms = child->shutdown_ms,
        .incarnation = child->incarnation,
        .has_guest = child->supervisor && child->supervisor->guest_child == child,
    };
}
