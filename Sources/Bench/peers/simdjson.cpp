// Parses records with simdjson's DOM, for Bench to compare `decide` with: build makes a library of it.
#include <simdjson.h>

static simdjson::dom::parser parser;

// Whether a text is JSON. `readable`: bytes that may be read from its start on; where they are fewer than the
// padding that simdjson wants, it copies the text.
extern "C" int peer_parse(const char *text, size_t length, size_t readable) {
    simdjson::dom::element element;
    bool copy = readable < length + simdjson::SIMDJSON_PADDING;
    return parser.parse(text, length, copy).get(element) == simdjson::SUCCESS;
}

extern "C" const char *peer_name() {
    static const std::string name =
        "simdjson DOM (" + simdjson::get_active_implementation()->name() + ")";
    return name.c_str();
}
