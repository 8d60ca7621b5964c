// Package checks has what is asked of a running database before it is migrated: a file for
// each check, with its question, its verdict and the way out. A check asks by SQL, in a
// read-only transaction, or looks at certificates that were handed in; it connects nowhere.
//
// What the role may not see is opaque, and never fine. A healthy server has no error.
package checks

import (
	"cmp"
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Check is one question about a database. Of rule.Rule it has the name, the texts and the
// severity that a finding has where the check does not say otherwise.
type Check struct {
	rule.Rule
	Scope onward.PreflightScope
	// Metric names what is measured for each object, with its unit, and Help says it in
	// words; both "" where nothing is.
	Metric, Help string
	// Look makes the check. An error is what the server refused, and makes it opaque.
	Look func(p *Pass) error

	// shared: a rule on migrations has the same name, and the page.
	shared bool
}

// All are the checks, by name.
func All() []*Check {
	list := slices.Concat(connection, server, database, role, touched)
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
	database = []*Check{columnPastSunset, constraintLeftNotValid, eventTriggerPresent, indexInvalid, schemaDrift, sequenceNearEnd, triggerLeftDisabled}
	role     = []*Check{roleLacksRights, settingEndsMigration, settingIsolation}
	touched  = []*Check{publicationSendsTable, settingLocksFew, transactionHoldsLocks, transactionPrepared, vacuumRunning}
)

// Rules are the texts of the checks, by name, without those that a rule on migrations has.
func Rules() []*rule.Rule {
	var out []*rule.Rule
	for _, c := range All() {
		if !c.shared {
			out = append(out, &c.Rule)
		}
	}
	return out
}

// Server answers questions.
type Server interface {
	// Each runs a query and calls f for each row, scanned into the targets.
	Each(sql string, args, targets []any, f func()) error
}

// Input is what is known before anything is asked.
type Input struct {
	Server
	// Now is the moment that ages are counted to.
	Now time.Time
	// Endpoints are the places whose certificates are looked at.
	Endpoints []Endpoint
	// PID is the process that the other end of the connection named when it was made;
	// Shared, where that is not the server's, reports whether two clients had one session of
	// the server at once, and why that is not known.
	PID    uint32
	Shared func() (bool, error)
	// Release names the two revisions of the release; "" where no repository was read, and
	// NoRelease says why; that is "" too where nobody wanted one.
	Release, NoRelease string
	// Touched are the tables that the release touches, by schema.name; nil when that is not
	// known.
	Touched []string
	// Free is how many bytes are free in the file system of a directory of the server's, -1
	// where it is not known; nil where the server is not on this machine.
	Free func(dir string) int64
	// Live is the schema of the database; nil where it was not read. Deployed and Head are
	// what the migrations make at the base and at the head; nil where no repository was read.
	Live, Deployed, Head *catalog.Catalog
	// Majors are the versions that onward.yaml says production has; none: any.
	Majors []int
	// Deprecated are columns as onward.yaml names them.
	Deprecated map[string]string
	Limits     Limits
	// Severity sets the severity of checks by name; Off switches one off.
	Severity map[string]onward.Severity
}

// Endpoint is a place with certificates.
type Endpoint struct {
	// Name is its host and port, or what else tells it: "client certificate".
	Name string
	// Certificates are what it shows, its own first.
	Certificates []*x509.Certificate
	// Untrusted is why they do not lead to a root that is known here; "" where they do.
	Untrusted string
	// Asked: the user named it; nil certificates are then why it showed none.
	Asked bool
	Why   string
}

// Limits are where a check begins to warn. The zero value of each is its default.
type Limits struct {
	// Disk and Backup are queries of the user's: free bytes, and when the last base backup
	// ended. "" asks none.
	Disk, Backup string
	// CertificateWarning and CertificateError are days before a certificate's end.
	CertificateWarning, CertificateError int
	// Transaction is the age of an open transaction, BackupAge that of the last base
	// backup, ReplicaLag how far behind a replica's replay may be.
	Transaction, BackupAge, ReplicaLag time.Duration
	// SlotWAL is how many bytes of WAL a slot may keep.
	SlotWAL int64
}

// withDefaults fills in what is not set.
func (l Limits) withDefaults() Limits {
	l.CertificateWarning = cmp.Or(l.CertificateWarning, 30)
	l.CertificateError = cmp.Or(l.CertificateError, 7)
	l.Transaction = cmp.Or(l.Transaction, 5*time.Second)
	l.BackupAge = cmp.Or(l.BackupAge, 8*24*time.Hour)
	l.ReplicaLag = cmp.Or(l.ReplicaLag, 10*time.Second)
	l.SlotWAL = cmp.Or(l.SlotWAL, 1<<30)
	return l
}
