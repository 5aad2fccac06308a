#include "cflights.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

const char crossdock_flights[] = {
#embed "flights.csv"
};

const long crossdock_flights_length = sizeof crossdock_flights;
