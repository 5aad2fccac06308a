internal import Glibc

exit(Dispatcher(console: Console()).run(Array(CommandLine.arguments.dropFirst())).rawValue)
