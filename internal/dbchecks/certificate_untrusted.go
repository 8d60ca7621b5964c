package dbchecks

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// certificateUntrusted checks whether a chain leads to a trusted root.
var certificateUntrusted = &Check{Rule: rule.Rule{
	ID:       "certificate-untrusted",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "The certificate of an endpoint leads to no root that is known, or is for another name",
	Harm: "A client that verifies certificates refuses the connection: one in the chain is missing, " +
		"the root is not among those that this machine knows (or that sslrootcert names), or the name is another one. " +
		"For the database's own connection it is a note: it was made without verifying (sslmode), and whoever is in between could read along.",
	Instead: "Serve the whole chain with the intermediate certificates, give clients the root (sslrootcert), and connect with sslmode=verify-full.",
	Manual:  []string{"https://www.postgresql.org/docs/current/libpq-ssl.html"},
}, Scope: onward.ScopeConnection, Look: checkCertificateTrust}

func checkCertificateTrust(p *Pass) error {
	for i := range p.Endpoints {
		e := &p.Endpoints[i]
		switch {
		case e.Untrusted == "" || len(e.Certificates) == 0:
		case e.Asked:
			p.AddFinding(onward.Warning, e.Name, "the certificate of "+e.Name+" is not trusted here: "+e.Untrusted,
				"clients that verify it cannot connect", "serve the whole chain, or give the clients its root")
		default:
			p.AddFinding(onward.Info, e.Name, "the connection does not verify the server's certificate, and it would not be trusted: "+e.Untrusted,
				"whoever is in between can read along", "give clients the root with sslrootcert, and connect with sslmode=verify-full")
		}
	}
	return nil
}
