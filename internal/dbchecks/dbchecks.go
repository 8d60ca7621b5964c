// Package dbchecks examines a running database before it is migrated. Each check has a file
// with its question, its verdict and its fix. A check asks by SQL, in a read-only
// transaction, or looks at certificates passed to it; it opens no connection.
//
// Data that the role may not see is reported as opaque, never as fine. A healthy server
// causes no error.
package dbchecks

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Check is one question about a database. From rule.Rule it has the name, the texts, and the
// severity of findings for which the check sets no other.
type Check struct {
	rule.Rule
	Scope onward.PreflightScope
	// Metric names the value measured for each object, with its unit. Help describes it. Both
	// are "" if the check measures nothing.
	Metric, Help string
	// Look runs the check. It returns an error if the server refused a query; the check is
	// opaque then.
	Look func(p *Pass) error

	// shared: a rule on migrations has the same name and page.
	shared bool
}

// All returns the checks, sorted by name.
func All() []*Check {
	list := slices.Concat(connection, server, database, role, touchedTableChecks)
	slices.SortFunc(list, func(a, b *Check) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// The checks, by scope.
var (
	connection = []*Check{certificateExpires, certificateUntrusted, poolerBetween}
	server     = []*Check{
		archiverFailing, archiverOff, backupOld, connectionsFewLeft, diskShort, replicaLagging, serverReadOnly, serverVersionOther,
		slotInactive, slotKeepsWAL, wraparoundNear,
	}
	database = []*Check{
		columnPastSunset, constraintLeftNotValid, eventTriggerPresent, indexInvalid, schemaDrift, sequenceNumberTaken, sequenceNearEnd, triggerLeftDisabled,
	}
	role               = []*Check{roleLacksRights, settingEndsMigration, settingIsolation}
	touchedTableChecks = []*Check{publicationSendsTable, settingLocksFew, transactionHoldsLocks, transactionPrepared, vacuumRunning}
)

// Rules returns the texts of the checks, sorted by name, without those that share a rule on
// migrations.
func Rules() []*rule.Rule {
	var out []*rule.Rule
	for _, c := range All() {
		if !c.shared {
			out = append(out, &c.Rule)
		}
	}
	return out
}

// Server runs queries.
type Server interface {
	// Each runs a query and calls f for each row, scanned into the targets.
	Each(sql string, args, targets []any, f func()) error
}

// Input is the input of all checks.
type Input struct {
	Server
	// Now is the time from which ages are calculated.
	Now time.Time
	// Endpoints are the servers and files whose certificates are checked.
	Endpoints []Endpoint
	// PID is the process ID that the other end of the connection reported when it was opened.
	// Shared is used if that is not the server's own process ID. It reports whether two
	// clients shared a session of the server, or why that is unknown.
	PID    uint32
	Shared func() (bool, error)
	// Release names the two revisions of the release; "" if no repository was read. NoRelease
	// says why not; it is "" if nobody asked for a release.
	Release, NoRelease string
	// Touched are the tables that the release touches, as schema.name; nil if unknown.
	Touched []string
	// Free returns the free bytes in the file system of a directory of the server, -1 if
	// unknown. It is nil if the server is not on this machine.
	Free func(dir string) int64
	// Live is the schema of the database; nil if it was not read. Deployed and Head are the
	// schemas after the migrations of the base and of the head; nil if no repository was
	// read.
	Live, Deployed, Head *catalog.Catalog
	// UnderWay are the columns and indexes that unfinished plans make, drop or rename: "users.id", "users_pkey".
	UnderWay []string
	// Majors are the versions that production has according to onward.yaml; empty: any.
	Majors []int
	// Deprecated are the deprecated columns in onward.yaml.
	Deprecated map[string]string
	Limits     Limits
	// Severity sets the severity of checks by name; Off switches one off.
	Severity map[string]onward.Severity
}

// Endpoint is a server or file with certificates.
type Endpoint struct {
	// Name is its host and port, or another description: "client certificate".
	Name string
	// Certificates is its chain, with its own certificate first.
	Certificates []*x509.Certificate
	// Untrusted is why the chain does not lead to a root known here; "" if it does.
	Untrusted string
	// Asked: the user named this endpoint. If Certificates is nil then, Why says why it
	// showed none.
	Asked bool
	Why   string
}

// Limits are the values at which checks begin to warn. A zero value means the default.
type Limits struct {
	// Disk and Backup are queries of the user, for the free bytes and for the end of the last
	// base backup. "" runs none.
	Disk, Backup string
	// CertificateWarning and CertificateError are days before a certificate expires.
	CertificateWarning, CertificateError int
	// Transaction limits the age of an open transaction, BackupAge the age of the last base
	// backup, ReplicaLag the lag of a replica's replay.
	Transaction, BackupAge, ReplicaLag time.Duration
	// SlotWAL is how many bytes of WAL a slot may keep.
	SlotWAL int64
}

// withDefaults sets the defaults.
func (l Limits) withDefaults() Limits {
	l.CertificateWarning = cmp.Or(l.CertificateWarning, 30)
	l.CertificateError = cmp.Or(l.CertificateError, 7)
	l.Transaction = cmp.Or(l.Transaction, 5*time.Second)
	l.BackupAge = cmp.Or(l.BackupAge, 8*24*time.Hour)
	l.ReplicaLag = cmp.Or(l.ReplicaLag, 10*time.Second)
	l.SlotWAL = cmp.Or(l.SlotWAL, 1<<30)
	return l
}

// formatAge formats a duration for people, as exact as needed: "12 s", "40 min", "3 h", "9
// days".
func formatAge(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 120:
		return fmt.Sprintf("%.0f s", s)
	case s < 120*60:
		return fmt.Sprintf("%.0f min", s/60)
	case s < 48*3600:
		return fmt.Sprintf("%.0f h", s/3600)
	default:
		return fmt.Sprintf("%.0f days", s/86400)
	}
}

// secondsToDuration converts a number of seconds from the server.
func secondsToDuration(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// formatRelation returns three forms of a name. For public."Users" they are Users for people,
// "Users" for the server, and public.Users for everything else.
func formatRelation(schema, name string) (shown, sql, qualified string) {
	n := catalog.Name{Schema: schema, Name: name}
	return n.String(), analysis.QuoteTable(n), n.Qualified()
}

// mostNamed is how many objects of a list are named if one finding is about all of them.
const mostNamed = 5

// listNames lists names in one line, and counts the rest.
func listNames(names []string) string { return prose.FirstNames(names, mostNamed) }

// quoteName returns a name quoted for SQL if necessary.
func quoteName(name string) string { return pgparse.QuoteIdent(name) }

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
