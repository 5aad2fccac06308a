#pragma once
#include <sqlite3.h>
/* statfs: the ledger asks what kind of file system it stands on; Swift's Glibc leaves it out. */
#include <sys/vfs.h>
