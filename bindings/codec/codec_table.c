/* Packing tables: the frames of those that are being written, and those that wait. */
#include "bindings/codec/codec_pack.h"

#include "bindings/binding.h"

#define ROOM_MIN 64
#define CALLERS  10000 /* stack places that the callers may have in use, at most */

static bool refuse_depth(dsl_packer *p) {
    if (lua_gettop(p->L) < LUAI_MAXSTACK - DSL_PACK_FRAME_VALUES)
        return dsl_pack_fail_memory(p);
    return dsl_pack_refuse(p,
                           "the tables around it are nested too deeply in a value with a __pack");
}

static bool frames_grow(dsl_packer *p) {
    bool first = p->frames == p->first_frames;
    size_t size = p->frame_capacity * sizeof *p->frames;
    dsl_pack_frame *frames =
        dsl_pack_resize(p, first ? NULL : p->frames, first ? 0 : size, size * 2);
    if (!frames)
        return false;
    if (first)
        memcpy(frames, p->frames, size);
    p->frames = frames;
    p->frame_capacity *= 2;
    return true;
}

bool dsl_pack_frame_open(dsl_packer *p, uint32_t typed) {
    if (p->depth == p->frame_capacity && !frames_grow(p))
        return false;
    if (!dsl_pack_reserve(p, 2 * sizeof(uint32_t)))
        return false;
    bool is_whole = typed != DSL_MEMO_NONE || (p->depth > 0 && p->frames[p->depth - 1].is_whole);
    p->frames[p->depth++] = (dsl_pack_frame){
        .counts_at = p->size,
        .typed = typed,
        .lent = DSL_MEMO_NONE,
        .before = DSL_MEMO_NONE,
        .table = lua_gettop(p->L),
        .is_list = true,
        .is_whole = is_whole,
    };
    p->size += 2 * sizeof(uint32_t);
    lua_pushnil(p->L);
    return true;
}

static bool is_too_deep(const dsl_packer *p) {
    return p->depth >= DSL_CODEC_LEVELS && !p->frames[p->depth - 1].is_whole;
}

/* Makes more room below the frames for tables that wait: twice as much, as each time everything of
 * the frames is moved. [-0, +0] */
static bool room_grow(dsl_packer *p) {
    int first = p->frames[0].table;
    int room = p->later > ROOM_MIN ? p->later : ROOM_MIN;
    while (!lua_checkstack(p->L, room + DSL_PACK_FRAME_VALUES)) {
        room /= 2;
        if (room == 0)
            return false;
    }
    lua_settop(p->L, lua_gettop(p->L) + room);
    lua_rotate(p->L, first, room);
    for (uint32_t i = 0; i < p->depth; i++)
        p->frames[i].table += room;
    p->room = room;
    return true;
}

static bool refuse_room(dsl_packer *p) {
    if (lua_gettop(p->L) < LUAI_MAXSTACK - CALLERS)
        return dsl_pack_fail_memory(p);
    return dsl_pack_refuse(p, "too many tables lie beside it, so deep in others");
}

/* Moves the table on top below the frames, where it waits. [-1, +0] */
static bool put_off(dsl_packer *p) {
    if (p->room == 0 && !room_grow(p))
        return refuse_room(p);
    if (!dsl_pack_remember(p, lua_topointer(p->L, -1)) || !dsl_put_byte(p, DSL_TAG_LATER))
        return false;
    lua_replace(p->L, p->frames[0].table - p->room);
    p->room--;
    p->later++;
    return true;
}

/* Writes the table on top as one without a metatable and with a number of its own. [-0, +1] */
static bool numbered_open(dsl_packer *p, const void *pointer, uint32_t typed) {
    return dsl_pack_remember(p, pointer) && dsl_put_byte(p, DSL_TAG_TABLE) &&
           dsl_pack_frame_open(p, typed);
}

/* Writes the table on top, which a __pack returned for a typed value. It is written anew, with a
 * number that is valid inside it only: references from elsewhere do not mean the typed value. [-0,
 * +1] */
static bool given_open(dsl_packer *p, uint32_t typed) {
    const void *pointer = lua_topointer(p->L, -1);
    uint32_t before = dsl_memo_find(&p->memo, pointer), number = p->memo.count;
    if (before != DSL_MEMO_NONE)
        dsl_memo_hide(&p->memo, before);
    if (!numbered_open(p, pointer, typed))
        return false;
    p->frames[p->depth - 1].lent = number;
    p->frames[p->depth - 1].before = before;
    return true;
}

bool dsl_pack_table_open(dsl_packer *p, uint32_t typed) {
    const void *pointer = lua_topointer(p->L, -1);
    if (!lua_checkstack(p->L, DSL_PACK_FRAME_VALUES))
        return refuse_depth(p);
    if (typed == DSL_MEMO_NONE)
        return is_too_deep(p) ? put_off(p) : numbered_open(p, pointer, typed);
    bool is_itself = p->memo.seen[typed].pointer == pointer;
    return is_itself ? numbered_open(p, NULL, typed) : given_open(p, typed);
}

static void number_return(dsl_packer *p, const dsl_pack_frame *frame) {
    const void *pointer = p->memo.seen[frame->lent].pointer;
    dsl_memo_hide(&p->memo, frame->lent);
    if (frame->before != DSL_MEMO_NONE)
        dsl_memo_give_back(&p->memo, frame->before, pointer);
}

void dsl_pack_frame_close(dsl_packer *p) {
    dsl_pack_frame *frame = &p->frames[--p->depth];
    unsigned char *counts = p->bytes + frame->counts_at;
    dsl_number_write(counts, frame->items, sizeof(uint32_t));
    dsl_number_write(counts + sizeof(uint32_t), frame->pairs, sizeof(uint32_t));
    if (frame->typed != DSL_MEMO_NONE)
        p->memo.seen[frame->typed].is_open = false;
    if (frame->lent != DSL_MEMO_NONE)
        number_return(p, frame);
    lua_pop(p->L, 1);
}
