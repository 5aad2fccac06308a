// swift-tools-version: 6.2
import PackageDescription

// Every dependency is a C library of the distribution, wrapped in one room; no outside package.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
    // Each record would pay for it; the tests, built for debugging, do check exclusive access.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

func library(_ name: String, _ version: String, apt package: String) -> Target {
    .systemLibrary(name: name, pkgConfig: version, providers: [.apt([package])])
}

func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func suite(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)",
        swiftSettings: strict)
}

let package = Package(
    name: "crossdock",
    products: [.executable(name: "crossdock", targets: ["crossdock"])],
    targets: [
        library("CRdKafka", "rdkafka", apt: "librdkafka-dev"),
        library("CSQLite", "sqlite3", apt: "libsqlite3-dev"),
        library("COpenSSL", "libcrypto", apt: "libssl-dev"),
        library("CYAML", "yaml-0.1", apt: "libyaml-dev"),
        .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
        .target(name: "CAllocator", linkerSettings: [.linkedLibrary("jemalloc")]),
        .target(name: "CChild"),
        .target(name: "CFlights", exclude: ["flights.csv"]),
        .target(name: "CVector"),
        .executableTarget(name: "CLoop", dependencies: ["CRdKafka"]),

        room("Cryptography", ["COpenSSL"]),
        room("Contracts", ["Cryptography", "CYAML", "CRE2", "CVector"]),
        room("Ledger", ["CSQLite"]),
        room("Kafka", ["CRdKafka"]),
        room("Replication", ["Contracts", "Ledger", "Cryptography"]),
        room("Operations", ["Contracts", "Ledger"]),
        room("Lab", ["Kafka", "CRdKafka", "CFlights", "CChild"]),
        .executableTarget(
            name: "Bench", dependencies: ["Contracts", "Kafka", "Lab", "CAllocator"],
            exclude: ["peers"],
            swiftSettings: strict),
        .executableTarget(
            name: "crossdock",
            dependencies: [
                "Contracts", "Ledger", "Kafka", "Replication", "Operations", "Lab", "Cryptography",
                "CAllocator",
            ],
            swiftSettings: strict),
        suite("Lab", ["Lab"]),
        suite("Kafka", ["Kafka", "Lab"]),
        suite("Cryptography", ["Cryptography"]),
        suite("Ledger", ["Ledger"]),
        suite("Contracts", ["Contracts", "Cryptography"]),
        suite("Simulation", ["Contracts", "Ledger", "Replication", "Cryptography"]),
        suite("Command", ["Contracts", "crossdock"]),
        suite("Operations", ["Operations", "Contracts", "Ledger", "Replication"]),
    ],
    cxxLanguageStandard: .cxx17
)

// Links libFuzzer, which Tests/Fuzz/run asks for: no part of an ordinary build.
if Context.environment["CROSSDOCK_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "Fuzz", dependencies: ["Contracts", "Replication", "Ledger", "Cryptography"],
            path: "Tests/Fuzz", exclude: ["run", "seeds.py"], swiftSettings: strict))
}
