// Package preflight asks a running database whether it is fit to be migrated now: what is
// between here and the server, whether its archive and replicas keep up, what earlier
// migrations left, and who would block the next one.
//
// It needs no migrations. In a repository it knows which tables the release touches.
// Nothing is changed: the queries run in one read-only transaction with short timeouts.
package preflight

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/dbchecks"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
)

// Config is the input of [Run].
type Config struct {
	// Config names the release, as for [audit.Changelog], and has the settings. Its
	// Deployed.DB is the address of the database.
	audit.Config
	// Alone checks the server only, and reads no repository.
	Alone bool
	// TLS are additional endpoints, as host:port, whose certificates are checked.
	TLS []string
}

// Run checks the database.
//
// Errors: *audit.AddressError for an invalid address, *audit.ServerError for a server that
// cannot be reached or queried, a *config.InputError for an invalid endpoint. If a
// revision is named, those from [audit.Changelog] too.
func Run(ctx context.Context, c Config) (*onward.Preflight, error) {
	if c.Settings == nil {
		c.Settings = config.Default()
	}
	if c.Now.IsZero() {
		c.Now = time.Now()
	}
	endpoints, err := parseEndpoints(c.TLS)
	if err != nil {
		return nil, err
	}
	s, err := live.Dial(ctx, c.DB)
	if err != nil {
		return nil, err
	}
	defer s.Close(ctx)
	in := &dbchecks.Input{
		Server: querySession{ctx, s}, Now: c.Now, PID: s.PID(), Shared: func() (bool, error) { return live.SharesSession(ctx, c.DB) },
		Majors: c.Settings.Postgres, Deprecated: c.Settings.Deprecated, Limits: warningLimits(c.Settings), Severity: c.Settings.Severities(),
	}
	if s.IsLocal() && isLocalServer(s.PID()) {
		in.Free = pgserver.Free
	}
	in.Endpoints = listSessionCertificates(s, c.Now)
	for _, e := range endpoints {
		in.Endpoints = append(in.Endpoints, readCertificates(ctx, e, c.Now))
	}
	if !c.Alone {
		if err := readRelease(ctx, &c, s, in); err != nil {
			return nil, err
		}
	}
	return dbchecks.Run(in)
}

// warningLimits returns the values at which the checks begin to warn, from the settings.
func warningLimits(c *config.Config) dbchecks.Limits {
	p := &c.Preflight
	return dbchecks.Limits{
		Disk: p.Disk, Backup: p.Backup, BackupAge: time.Duration(p.BackupDays) * 24 * time.Hour,
		CertificateWarning: p.CertificateWarningDays, CertificateError: p.CertificateErrorDays,
		Transaction: time.Duration(p.TransactionAge) * time.Millisecond, ReplicaLag: time.Duration(p.ReplicaLag) * time.Millisecond,
		SlotWAL: int64(p.SlotWAL),
	}
}

// isLocalServer reports whether the process with this ID on this machine is the server's. A
// socket may lead out of a container, to other paths.
func isLocalServer(pid uint32) bool {
	if runtime.GOOS != "linux" {
		return true
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.HasPrefix(string(line), "postgres:")
}

// querySession is a session in the form that the checks need.
type querySession struct {
	ctx context.Context
	s   *live.Session
}

// Each runs a query in the session.
func (a querySession) Each(sql string, args, targets []any, f func()) error {
	return a.s.Each(a.ctx, sql, args, targets, f)
}

// listSessionCertificates returns the certificates of the connection itself.
func listSessionCertificates(s *live.Session, now time.Time) []dbchecks.Endpoint {
	var out []dbchecks.Endpoint
	if list := s.ServerCertificates(); len(list) > 0 {
		e := dbchecks.Endpoint{Name: s.HostPort(), Certificates: list}
		if !s.IsVerified() {
			e.Untrusted = verifyChain(list, s.Host(), now)
		}
		out = append(out, e)
	}
	if list := s.ClientCertificates(); len(list) > 0 {
		out = append(out, dbchecks.Endpoint{Name: "this client", Certificates: list})
	}
	return out
}

// verifyChain says why a chain does not lead to a trusted root of this machine; "" if it does.
// Another check reports its expiry.
func verifyChain(chain []*x509.Certificate, host string, now time.Time) string {
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	if now.After(chain[0].NotAfter) || now.Before(chain[0].NotBefore) {
		now = chain[0].NotBefore.Add(chain[0].NotAfter.Sub(chain[0].NotBefore) / 2)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Intermediates: intermediates, CurrentTime: now})
	if err != nil {
		return err.Error()
	}
	return ""
}
