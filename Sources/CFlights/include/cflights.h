#ifndef CFLIGHTS_H
#define CFLIGHTS_H

// 5,000 real flights that left New York in 2013, as CSV with a heading line: every 67th row of the
// table `flights` of nycflights13 (CC0 1.0; https://github.com/tidyverse/nycflights13), which was made
// from the On-Time Performance data of the US Bureau of Transportation Statistics. An empty cell is a
// null. Compiled in, so that the binary needs no file beside it.
const unsigned char *crossdock_flights(long *length);

#endif
