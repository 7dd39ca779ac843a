/* latlngs.c - methods of latlng and the package of that name. */
#include "rules-engine/builtins/tables.h"

#include <math.h>

static const double EARTH_RADIUS = 6371009; /* metres; with it Google's figures come out */
static const double RADIANS = 3.14159265358979323846 / 180;

static struct rvalue latitude(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)args;
    return rv_float(self->latlng->latitude);
}

static struct rvalue longitude(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)args;
    return rv_float(self->latlng->longitude);
}

/* Haversine. */
static struct rvalue distance(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e;
    double lat1 = self->latlng->latitude * RADIANS, lat2 = args[0].latlng->latitude * RADIANS;
    double lng1 = self->latlng->longitude * RADIANS, lng2 = args[0].latlng->longitude * RADIANS;
    double a = sin(0.5 * (lat2 - lat1)), b = sin(0.5 * (lng2 - lng1));
    double x = a * a + b * b * cos(lat1) * cos(lat2);
    return rv_float(2 * atan2(sqrt(x), sqrt(fmax(0, 1 - x))) * EARTH_RADIUS);
}

static struct rvalue value(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    double lat = builtin_double(args[0]), lng = builtin_double(args[1]);
    if (!(lat >= -90 && lat <= 90 && lng >= -180 && lng <= 180))
        return eval_error(e,
                          "Latitude should be in [-90,90] range and longitude should be in [-180,180] range. "
                          "latitude: " STR_FMT ", longitude: " STR_FMT ".",
                          STR_ARG(rv_double_text(e->arena, lat)), STR_ARG(rv_double_text(e->arena, lng)));
    return rv_latlng(e->arena, lat, lng);
}

static const struct builtin rows[] = {
    METHOD_ROW(RT_LATLNG, "latitude", 0, NO_ARGS, "latlng.latitude()", "Degrees, -90 to 90.", latitude),
    METHOD_ROW(RT_LATLNG, "longitude", 0, NO_ARGS, "latlng.longitude()", "Degrees, -180 to 180.", longitude),
    METHOD_ROW(RT_LATLNG, "distance", 1, ARGS(T_LATLNG), "latlng.distance(latlng)",
               "Metres along the great circle.", distance),
    PACKAGE_ROW("latlng", "value", 2, ARGS(T_FLOAT, T_FLOAT), "latlng.value(float, float)",
                "From latitude and longitude.", value),
};
BUILTIN_TABLE(builtin_latlngs, rows);
