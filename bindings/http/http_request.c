/* The functions that dynsup/http.lua gets: URLs, and requests that a process waits for. */
#include "bindings/http/http.h"

#include "bindings/process/body.h"
#include "bindings/process/dry.h"
#include "bindings/http/http_load.h"
#include "bindings/http/http_transfer.h"
#include "bindings/loop.h"
#include "bindings/pending.h"

#include <locale.h>
#include <string.h>

#define REQUEST "dynsup.http.request"

/* ---- the library ---- */

static const dsl_curl *library(lua_State *L) {
    const char *error;
    const dsl_curl *curl = dsl_curl_load(&error);
    if (!curl)
        luaL_error(L, "dynsup.http needs libcurl, the Debian package libcurl4: %s", error);
    return curl;
}

static int load_k(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    library(L);
    return 0;
}

/* load(): raises when there is no libcurl. A process waits meanwhile, where it can. */
static int load(lua_State *L) {
    uint64_t key;
    dsl_host *host = dsl_host_or_null(L);
    if (!host || !dsl_can_wait(L, host) || !dsl_http_load_begin(host, &key))
        return load_k(L, LUA_OK, 0);
    dynsup_wait_key(host->core, key, DYNSUP_NEVER);
    return dsl_suspend(L, host->current, DSL_WAIT_VALUES, 0, load_k);
}

/* ---- URLs ---- */

#define NO_ASCII CURLUE_LACKS_IDN /* whatever the cause */

static int url_fail(lua_State *L, const dsl_curl *curl, CURLUcode code) {
    if (code == CURLUE_OUT_OF_MEMORY)
        return luaL_error(L, "not enough memory");
    lua_pushnil(L);
    lua_pushstring(L, code == CURLUE_UNSUPPORTED_SCHEME ? "unsupported_protocol" : "invalid_url");
    if (code == NO_ASCII)
        lua_pushstring(L,
                       "the host's name has no ASCII form, or none is found: give it as xn--...");
    else
        lua_pushstring(L, curl->url_strerror(code));
    return 3;
}

static bool is_ascii(const char *text) {
    while (*text && (unsigned char)*text < 0x80)
        text++;
    return !*text;
}

/* libcurl takes a name to be in the encoding of the thread's locale, which is UTF-8's meanwhile. */
static char *host_in_ascii(const dsl_curl *curl, CURLU *url) {
    char *host = NULL;
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!utf8)
        return NULL;
    locale_t before = uselocale(utf8);
    curl->url_get(url, CURLUPART_HOST, &host, CURLU_PUNYCODE);
    uselocale(before);
    freelocale(utf8);
    return host;
}

/* Gives the host's name its ASCII form: any other depends on the locale when libcurl connects. */
static CURLUcode host_set_ascii(const dsl_curl *curl, CURLU *url) {
    char *host = NULL;
    CURLUcode code = curl->url_get(url, CURLUPART_HOST, &host, 0);
    if (code == CURLUE_OK && !is_ascii(host)) {
        char *ascii = host_in_ascii(curl, url);
        bool found = ascii && is_ascii(ascii);
        if (!found || curl->url_set(url, CURLUPART_HOST, ascii, 0) != CURLUE_OK)
            code = NO_ASCII;
        curl->free(ascii);
    }
    curl->free(host);
    return code;
}

enum { WHOLE, SCHEME, HOST, PORT, PART_COUNT };

static const CURLUPart part_names[PART_COUNT] = {CURLUPART_URL, CURLUPART_SCHEME, CURLUPART_HOST,
                                                 CURLUPART_PORT};

/* Sets the URL, relative to a base if there is one, and takes it apart. */
static CURLUcode url_read(const dsl_curl *curl, const char *text, const char *base, char **parts) {
    CURLU *url = curl->url();
    CURLUcode code = url ? CURLUE_OK : CURLUE_OUT_OF_MEMORY;
    if (code == CURLUE_OK && base)
        code = curl->url_set(url, CURLUPART_URL, base, 0);
    if (code == CURLUE_OK)
        code = curl->url_set(url, CURLUPART_URL, text, base ? CURLU_URLENCODE : 0);
    if (code == CURLUE_OK)
        code = curl->url_set(url, CURLUPART_FRAGMENT, NULL, 0);
    if (code == CURLUE_OK)
        code = host_set_ascii(curl, url);
    for (int i = 0; i < PART_COUNT && code == CURLUE_OK; i++)
        code = curl->url_get(url, part_names[i], &parts[i], i == WHOLE ? 0 : CURLU_DEFAULT_PORT);
    curl->url_cleanup(url);
    return code;
}

/* [-0, +2] Protected: the parts are the caller's. */
static int parts_push(lua_State *L) {
    char **parts = lua_touserdata(L, 1);
    lua_pushstring(L, parts[WHOLE]);
    lua_pushfstring(L, "%s://%s:%s", parts[SCHEME], parts[HOST], parts[PORT]);
    return 2;
}

/* url(text [, base]): the absolute URL without its fragment, and its origin, scheme://host:port. */
static int url(lua_State *L) {
    size_t size, base_size = 0;
    char *parts[PART_COUNT] = {NULL};
    const dsl_curl *curl = library(L);
    const char *text = luaL_checklstring(L, 1, &size);
    const char *base = luaL_optlstring(L, 2, NULL, &base_size);
    if (strlen(text) != size || (base && strlen(base) != base_size))
        return url_fail(L, curl, CURLUE_MALFORMED_INPUT);
    lua_settop(L, 2);
    lua_pushcfunction(L, parts_push);
    lua_pushlightuserdata(L, parts);
    CURLUcode code = url_read(curl, text, base, parts);
    if (code == CURLUE_OK && strcmp(parts[SCHEME], "http") != 0 &&
        strcmp(parts[SCHEME], "https") != 0)
        code = CURLUE_UNSUPPORTED_SCHEME;
    int status = code == CURLUE_OK ? lua_pcall(L, 1, 2, 0) : LUA_OK;
    for (int i = 0; i < PART_COUNT; i++)
        curl->free(parts[i]);
    if (code != CURLUE_OK)
        return url_fail(L, curl, code);
    return status == LUA_OK ? 2 : lua_error(L);
}

/* ---- starting ---- */

static dsl_transfer *transfer_check(lua_State *L) {
    return luaL_checkudata(L, 1, REQUEST);
}

static int transfer_close(lua_State *L) {
    dsl_transfer_close(transfer_check(L));
    return 0;
}

/* The metatable of requests; complete when it can be found. [-0, +1] */
static void metatable_push(lua_State *L) {
    if (luaL_getmetatable(L, REQUEST) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, transfer_close);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__gc");
    lua_setfield(L, -2, "__close");
    lua_pushliteral(L, REQUEST);
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, REQUEST);
}

/* A new request, which keeps the settings: libcurl reads the body from there. [-0, +1] */
static dsl_transfer *transfer_push(lua_State *L, int settings) {
    dsl_transfer *transfer = lua_newuserdatauv(L, sizeof *transfer, 1);
    memset(transfer, 0, sizeof *transfer);
    metatable_push(L);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, settings);
    lua_setiuservalue(L, -2, 1);
    return transfer;
}

/* The settings are at index 1, the request on top; what http.lua has checked is not checked here.
 * Strings stay in the settings. */
static const char *setting(lua_State *L, const char *name) {
    lua_getfield(L, 1, name);
    const char *text = lua_tostring(L, -1);
    lua_pop(L, 1);
    return text;
}

static bool setting_is(lua_State *L, const char *name) {
    lua_getfield(L, 1, name);
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

static void headers_set(lua_State *L, dsl_transfer *transfer) {
    lua_getfield(L, 1, "lines");
    for (int i = 1; lua_rawgeti(L, -1, i) == LUA_TSTRING; i++, lua_pop(L, 1))
        if (!dsl_transfer_header(transfer, lua_tostring(L, -1)))
            dsl_error(L, "not enough memory");
    lua_pop(L, 2);
}

static void body_set(lua_State *L, const dsl_transfer *transfer) {
    const dsl_curl *curl = transfer->http->curl;
    size_t size;
    if (lua_getfield(L, 1, "body") == LUA_TSTRING) {
        const char *body = lua_tolstring(L, -1, &size);
        curl->easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, body);
        curl->easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    }
    lua_pop(L, 1);
}

/* Copies the text; what is not set stays as libcurl has it. */
static void text_set(lua_State *L, const dsl_transfer *transfer, const char *name,
                     CURLoption option) {
    const char *text = setting(L, name);
    if (text && transfer->http->curl->easy_setopt(transfer->easy, option, text) != CURLE_OK)
        dsl_error(L, "not enough memory");
}

/* May a request of this method be carried out twice? By RFC 9110, 9.2.2. */
static bool is_idempotent(const char *method) {
    static const char *const names[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(method, names[i]) == 0)
            return true;
    return false;
}

/* On a kept connection libcurl sends a request again when that ends without an answer. */
static void method_set(lua_State *L, const dsl_transfer *transfer) {
    const dsl_curl *curl = transfer->http->curl;
    const char *method = setting(L, "method");
    if (!is_idempotent(method))
        curl->easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
    if (strcmp(method, "HEAD") == 0)
        curl->easy_setopt(transfer->easy, CURLOPT_NOBODY, 1L);
    else
        text_set(L, transfer, "method", CURLOPT_CUSTOMREQUEST);
}

static void settings_set(lua_State *L, dsl_transfer *transfer) {
    const dsl_curl *curl = transfer->http->curl;
    text_set(L, transfer, "url", CURLOPT_URL);
    text_set(L, transfer, "ca_file", CURLOPT_CAINFO);
    text_set(L, transfer, "proxy", CURLOPT_PROXY);
    body_set(L, transfer);
    method_set(L, transfer);
    if (setting_is(L, "decode"))
        curl->easy_setopt(transfer->easy, CURLOPT_ACCEPT_ENCODING, "");
    if (setting_is(L, "unverified")) {
        curl->easy_setopt(transfer->easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl->easy_setopt(transfer->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    headers_set(L, transfer);
    transfer->stream = setting_is(L, "stream");
    lua_getfield(L, 1, "max_bytes");
    transfer->max_bytes = lua_isinteger(L, -1) ? (uint64_t)lua_tointeger(L, -1) : UINT64_MAX;
    lua_pop(L, 1);
}

/* start(settings): a request under way. */
static int start(lua_State *L) {
    dsl_host *host;
    dsl_waiter_of(L, &host);
    dsl_dry_wait(L, host);
    dsl_check_loop(L, host, "requests of dynsup.http");
    if (!host->config->threads)
        return luaL_error(L, "dynsup.http needs threads: this host may use none");
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    dsl_transfer *transfer = transfer_push(L, 1);
    if (!dsl_transfer_init(transfer, dsl_http_of(L, host)))
        return luaL_error(L, "not enough memory");
    settings_set(L, transfer);
    dsl_transfer_begin(transfer);
    return 1;
}

/* ---- waiting ---- */

static int push_failure(lua_State *L, const char *reason, const char *detail) {
    lua_pushnil(L);
    lua_pushstring(L, reason);
    lua_pushstring(L, detail);
    return 3;
}

/* What there is to tell; 0: nothing yet. [-0, +0|1|2|3] */
static int push_news(lua_State *L, dsl_transfer *transfer) {
    bool has_data = transfer->stream && transfer->body.size > 0;
    if (!has_data && transfer->reason)
        return push_failure(L, transfer->reason, transfer->detail);
    if (!has_data && !transfer->over)
        return 0;
    lua_pushstring(L, has_data ? "data" : "end");
    lua_pushlstring(L, transfer->body.size ? transfer->body.bytes : "", transfer->body.size);
    dsl_transfer_taken(transfer);
    return 2;
}

static int next_k(lua_State *L, int status, lua_KContext context) {
    (void)status;
    dsl_host *host;
    dsl_body *body = dsl_waiter_of(L, &host);
    dsl_transfer *transfer = transfer_check(L);
    double left = lua_tonumber(L, 2);
    bool timed_out = context ? body->timed_out : left <= 0;
    lua_settop(L, 2);
    if (!transfer->http)
        return luaL_error(L, "the request is closed");
    if (timed_out && !transfer->over) /* also one that always has more */
        return push_failure(L, "timeout", "the request took longer than its timeout");
    int count = push_news(L, transfer);
    if (count > 0)
        return count;
    transfer->pid = dynsup_self(host->core);
    transfer->key = dynsup_key_new(host->core);
    dynsup_wait_key(host->core, transfer->key, dsl_deadline_of(host, left));
    return dsl_suspend(L, body, DSL_WAIT_VALUES, 1, next_k);
}

/* next(request, ms): waits for "data", string (of a stream), or "end", string; or nil, reason,
 * detail. */
static int next(lua_State *L) {
    transfer_check(L);
    luaL_checknumber(L, 2);
    return next_k(L, LUA_OK, 0);
}

/* head(request): the status, the lines of the head, as they came, and whether that is all of them.
 */
static int head(lua_State *L) {
    const dsl_transfer *transfer = transfer_check(L);
    lua_pushinteger(L, transfer->status);
    lua_pushlstring(L, transfer->head.size ? transfer->head.bytes : "", transfer->head.size);
    lua_pushboolean(L, transfer->head_done);
    return 3;
}

const luaL_Reg dsl_http_functions[] = {
    {"load", load}, {"url", url}, {"start", start}, {"next", next}, {"head", head}, {NULL, NULL},
};
