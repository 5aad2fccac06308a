internal import CRdKafka

/// Who the brokers take a client for, in the words of kafka-acls.
package struct ClientPrincipal: Hashable, Sendable {
    /// "User:crossdock"; where the settings do not tell, a place holder in capital letters.
    package var name: String
    /// What to put in the place holder's stead, nil where there is none.
    package var remark: String?
}

extension ClientConfiguration {
    /// The host:port list, as the settings have it.
    package var bootstrapServers: String {
        value("bootstrap.servers") ?? value("metadata.broker.list") ?? ""
    }

    /// The largest record that the operator's own settings let out, nil where they set none.
    package var messageMaxBytes: Int? { number("message.max.bytes") }

    /// By what the brokers make of these settings where their administrator has not changed it
    /// (principal.builder.class, ssl.principal.mapping.rules, sasl.kerberos.principal.to.local.rules).
    package var principal: ClientPrincipal {
        switch (value("security.protocol") ?? "plaintext").lowercased() {
        case "ssl":
            guard let file = value("ssl.certificate.location") ?? value("ssl.keystore.location")
            else {
                return ClientPrincipal(
                    name: "User:SUBJECT-OF-THE-CERTIFICATE", remark: remark("it"))
            }
            return ClientPrincipal(name: "User:SUBJECT-OF-THE-CERTIFICATE", remark: remark(file))
        case "sasl_plaintext", "sasl_ssl": return saslPrincipal
        default: return ClientPrincipal(name: "User:ANONYMOUS", remark: nil)
        }
    }

    /// Why a login with these settings may be refused though they are right: before 2.6.1 librdkafka
    /// repeats its nonce in SCRAM's last message, which brokers before Kafka 4 did not notice.
    var loginRemark: String? {
        let mechanism = value("sasl.mechanism") ?? value("sasl.mechanisms") ?? ""
        guard mechanism.uppercased().hasPrefix("SCRAM"), rd_kafka_version() >> 8 < 0x02_0601 else {
            return nil
        }
        let version = rd_kafka_version_str().map { String(cString: $0) } ?? ""
        return
            "librdkafka \(version), which is installed here, cannot log in with SCRAM to brokers "
            + "of Kafka 4: it takes 2.6.1 or newer, or another sasl.mechanism"
    }

    private func remark(_ certificate: String) -> String {
        "put the subject of the client's certificate (\(certificate)) in its stead, such as "
            + "CN=crossdock,O=Example"
    }

    private var saslPrincipal: ClientPrincipal {
        switch (value("sasl.mechanism") ?? value("sasl.mechanisms") ?? "GSSAPI").uppercased() {
        case "GSSAPI":
            let full = value("sasl.kerberos.principal") ?? "kafkaclient"
            let primary = full.prefix { $0 != "/" && $0 != "@" }
            return ClientPrincipal(name: "User:\(primary)", remark: nil)
        case "OAUTHBEARER":
            return ClientPrincipal(
                name: "User:SUBJECT-OF-THE-TOKEN",
                remark: "put the token's subject (its claim 'sub') in its stead")
        default:
            guard let name = value("sasl.username") else {
                return ClientPrincipal(
                    name: "User:SASL-USERNAME",
                    remark: "put the value of sasl.username in its stead")
            }
            return ClientPrincipal(name: "User:\(name)", remark: nil)
        }
    }
}
