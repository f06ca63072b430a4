/* The C half of dynsup.saving: what an incarnation of a child leaves to the next one. */
#include "bindings/native.h"

/* save(state) -> true; nil, reason. The state is a copy that no other code has, or nil. */
static int save(lua_State *L) {
    dsl_host *host;
    dsl_body_of(L, &host);
    dsl_vault_reserve(L, &host->vault, 1);
    dynsup_value state = dsl_value_get(L, host, 1);
    int status = dynsup_save_state(host->core, &state);
    if (status && state.kind == DYNSUP_OBJECT)
        dsl_vault_release(&host->vault, (uint32_t)state.as.object);
    if (dsl_check_status(L, status))
        return dsl_fail(L, (enum dynsup_atom) - status);
    lua_pushboolean(L, 1);
    return 1;
}

/* previous() -> the saved state itself, the reason, the attempt; nothing if no state was saved */
static int previous(lua_State *L) {
    dsl_host *host;
    dynsup_previous before;
    dsl_body_of(L, &host);
    if (!dynsup_previous_state(host->core, &before))
        return 0;
    dsl_value_push(L, host, &before.state);
    dsl_value_push(L, host, &before.reason.value);
    lua_pushinteger(L, before.attempt);
    return 3;
}

/* is_light(value): a pid, a ref, or another light userdata */
static int is_light(lua_State *L) {
    lua_pushboolean(L, lua_islightuserdata(L, 1));
    return 1;
}

const luaL_Reg dsl_saved_functions[] = {
    {"save", save},
    {"previous", previous},
    {"is_light", is_light},
    {NULL, NULL},
};
