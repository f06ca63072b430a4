/* Parcels: packed values and their owners. */
#include "bindings/codec/codec.h"

void dsl_parcel_retain(dsl_parcel *parcel) {
    parcel->owners++;
}

void dsl_parcel_release(dsl_parcel *parcel) {
    if (parcel && --parcel->owners == 0)
        parcel->alloc(parcel->alloc_ud, parcel, sizeof *parcel + parcel->size, 0);
}
