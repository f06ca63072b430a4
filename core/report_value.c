/* Values as text of reports: see report_value.h. */
#include "report_value.h"

#include <inttypes.h>

void dsi_describe_id(dsi_text *text, uint64_t id) {
    char id_text[64];
    dynsup_id_format(id, id_text, sizeof id_text);
    dsi_text_put(text, "%s", id_text);
}

static void put_object(const dsi_describer *by, dsi_text *text, uint64_t object) {
    if (by->ops == NULL) {
        dsi_text_put(text, "?");
        return;
    }
    char *end = text->chars + text->length;
    by->ops->describe(by->ud, object, end, dsi_text_room(text) + 1);
    dsi_text_take(text);
}

void dsi_describe_value(const dsi_describer *by, dsi_text *text, const dynsup_value *value) {
    switch (value->kind) {
    case DYNSUP_NIL:
        dsi_text_put(text, "nil");
        break;
    case DYNSUP_BOOLEAN:
        dsi_text_put(text, value->as.boolean ? "true" : "false");
        break;
    case DYNSUP_INTEGER:
        dsi_text_put(text, "%" PRId64, value->as.integer);
        break;
    case DYNSUP_NUMBER:
        dsi_text_put(text, "%.14g", value->as.number);
        break;
    case DYNSUP_ID:
        dsi_describe_id(text, value->as.id);
        break;
    case DYNSUP_ATOM:
        dsi_text_put(text, "%s", dynsup_atom_text(value->as.atom));
        break;
    case DYNSUP_OBJECT:
        put_object(by, text, value->as.object);
        break;
    }
}

void dsi_describe_trace(const dsi_describer *by, dsi_text *text, const dynsup_value *value) {
    bool has_trace = value->kind == DYNSUP_OBJECT && by->ops && by->ops->trace;
    if (!has_trace || dsi_text_room(text) < 2)
        return;
    size_t before = text->length;
    dsi_text_put(text, "\n");
    by->ops->trace(by->ud, value->as.object, text->chars + text->length, dsi_text_room(text) + 1);
    if (text->chars[text->length])
        dsi_text_take(text);
    else
        text->chars[text->length = before] = '\0';
}

size_t dynsup_value_write(const dynsup_value *value, const dynsup_object_ops *objects,
                          void *objects_ud, char *text, size_t size) {
    const dsi_describer by = {objects, objects_ud};
    dsi_text out = dsi_text_empty(text, size);
    dsi_describe_value(&by, &out, value);
    dsi_text_finish(&out);
    return out.length;
}
