import Foundation

// libFuzzer with a driver of its own: `Fuzz TARGET [libFuzzer's arguments]`, see Tests/Fuzz/run.

@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ one: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

let words = CommandLine.arguments
guard words.count > 1, let target = Target(rawValue: words[1]) else {
    let names = Target.allCases.map(\.rawValue).joined(separator: "|")
    print("usage: Fuzz \(names) [libFuzzer's arguments]")
    exit(64)
}
Target.chosen = target
// The driver reads the target's name as the program's.
var count = CommandLine.argc - 1
var arguments = CommandLine.unsafeArgv + 1
exit(
    runDriver(&count, &arguments) {
        Target.chosen.run(UnsafeRawBufferPointer(start: $0, count: $1))
    })
