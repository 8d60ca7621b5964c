package dbchecks

import (
	"crypto/x509"
	"fmt"
	"math"
	"time"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// certificateExpires looks at every certificate of each chain: if a root or an
// intermediate certificate expires, so do all below it.
var certificateExpires = &Check{Rule: rule.Rule{
	ID:       "certificate-expires",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "A certificate of the connection expires soon, or has expired",
	Harm: "On the day after, clients that verify certificates refuse to connect, all at once; " +
		"a server refuses clients whose own certificate has expired. A deploy that runs over that moment loses its connections and cannot make new ones. " +
		"Told is each certificate of the chain that the server shows, the client's own from the files of the connection, and of endpoints named with --tls: " +
		"a warning 30 days before, an error 7 days before.",
	Instead: "Renew the certificate and reload what serves it: the server reads its files again on SELECT pg_reload_conf(), without a restart.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ssl-tcp.html"},
}, Scope: onward.ScopeConnection, Metric: "certificate_days_left", Help: "Days until the first certificate of a chain expires.", Look: checkCertificateExpiry}

func checkCertificateExpiry(p *Pass) error {
	for i := range p.Endpoints {
		e := &p.Endpoints[i]
		if e.Asked && len(e.Certificates) == 0 {
			p.AddOpaque("the certificate of "+e.Name, e.Why)
			continue
		}
		first := math.Inf(1)
		for n, c := range e.Certificates {
			left := c.NotAfter.Sub(p.Now).Hours() / 24
			first = math.Min(first, left)
			p.judgeCertificate(e, c, n, left)
		}
		if len(e.Certificates) > 0 {
			p.AddMeasure(e.Name, math.Floor(first*10)/10)
		}
	}
	return nil
}

// judgeCertificate judges the nth certificate of a chain, which expires in left days.
func (p *Pass) judgeCertificate(e *Endpoint, c *x509.Certificate, n int, left float64) {
	subject := "the certificate of " + e.Name
	if n > 0 {
		subject = fmt.Sprintf("the certificate of the authority %q, in the chain of %s,", c.Subject.CommonName, e.Name)
	}
	day := c.NotAfter.UTC().Format(time.DateOnly)
	harm := "who verifies it cannot connect from then on: the code, the migration, the replicas"
	instead := "renew it now, and reload what serves it:\nSELECT pg_reload_conf();"
	switch {
	case c.NotBefore.After(p.Now):
		p.AddFinding(onward.Error, e.Name, subject+" is not valid before "+c.NotBefore.UTC().Format(time.DateTime)+" UTC",
			"who verifies it cannot connect now", "look at the clocks of both machines, or have it made anew")
	case left < 0:
		p.AddFinding(onward.Error, e.Name, subject+" expired on "+day, "who verifies it cannot connect any more", instead)
	case left < float64(p.Limits.CertificateError):
		p.AddFinding(onward.Error, e.Name, fmt.Sprintf("%s expires on %s, in %s", subject, day, formatDays(left)), harm, instead)
	case left < float64(p.Limits.CertificateWarning):
		p.AddFinding(onward.Warning, e.Name, fmt.Sprintf("%s expires on %s, in %s", subject, day, formatDays(left)), harm, instead)
	}
}

func formatDays(left float64) string {
	if left < 2 {
		return fmt.Sprintf("%.0f hours", left*24)
	}
	return fmt.Sprintf("%.0f days", math.Floor(left))
}

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
