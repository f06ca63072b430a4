/* Parcels: packed values and who has them. */
#include "bindings/codec.h"

void dsl_parcel_retain(dsl_parcel *parcel) {
    parcel->owners++;
}

void dsl_parcel_release(dsl_parcel *parcel) {
    if (parcel && --parcel->owners == 0)
        parcel->alloc(parcel->alloc_ud, parcel, sizeof *parcel + parcel->size, 0);
}

enum dsl_codec_status dsl_parcel_unpack(lua_State *L, const dsl_parcel *parcel, int *count_out,
                                        dsl_codec_trouble *trouble_out) {
    return dsl_codec_unpack(L, parcel->bytes, parcel->size, count_out, trouble_out);
}
