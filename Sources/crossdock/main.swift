internal import CAllocator

_ = malloc_conf
