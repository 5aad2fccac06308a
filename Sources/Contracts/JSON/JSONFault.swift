/// Where and why a text is not JSON as contract.md wants it.
struct JSONFault {
    enum Reason: UInt8 {
        case none
        case endOfText, expectedValue, expectedName, expectedColon, expectedCommaOrBrace
        case expectedCommaOrBracket, badLiteral, badNumber, controlCharacter, badEscape
        case loneSurrogate, badUTF8, tooDeep, duplicateName, textAfterValue, notAnObject, tooLarge
    }

    var reason: Reason = .none
    /// Bytes from the record's start.
    var offset = 0

    /// Tells the place and the rule, never what stands there.
    var text: String {
        switch reason {
        case .none: ""
        case .endOfText: "byte \(offset): the text ends too early"
        case .expectedValue: "byte \(offset): expected a value"
        case .expectedName: "byte \(offset): expected a member name"
        case .expectedColon: "byte \(offset): expected ':'"
        case .expectedCommaOrBrace: "byte \(offset): expected ',' or '}'"
        case .expectedCommaOrBracket: "byte \(offset): expected ',' or ']'"
        case .badLiteral: "byte \(offset): not true, false or null"
        case .badNumber: "byte \(offset): not a JSON number"
        case .controlCharacter: "byte \(offset): control character in a string"
        case .badEscape: "byte \(offset): not a JSON escape"
        case .loneSurrogate: "byte \(offset): lone surrogate"
        case .badUTF8: "byte \(offset): not UTF-8"
        case .tooDeep: "byte \(offset): nested deeper than \(JSONScanner.maximumDepth)"
        case .duplicateName: "byte \(offset): duplicate member name"
        case .textAfterValue: "byte \(offset): text after the value"
        case .notAnObject: "byte \(offset): the record is not an object"
        case .tooLarge: "the record is larger than 4 GiB"
        }
    }
}
