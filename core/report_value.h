/* Values as text of reports. */
#ifndef DSI_REPORT_VALUE_H
#define DSI_REPORT_VALUE_H

#include "dynsup_report.h"

#include "report_text.h"

/* What describes objects; without ops each is a question mark. */
typedef struct dsi_describer {
    const dynsup_object_ops *ops;
    void *ud;
} dsi_describer;

/* <0.2.0> */
void dsi_describe_id(dsi_text *text, uint64_t id);

/* The value, raw, as the object's ops write it. */
void dsi_describe_value(const dsi_describer *by, dsi_text *text, const dynsup_value *value);

/* The trace of an object that has one, in lines of their own behind the text. */
void dsi_describe_trace(const dsi_describer *by, dsi_text *text, const dynsup_value *value);

#endif
