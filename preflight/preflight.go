// Package preflight asks a running database whether it is fit to be migrated now: what is
// between here and the server, whether its archive and replicas keep up, what earlier
// migrations left behind, and who would be in the way of the next one.
//
// It needs no migrations. In a repository it knows which tables the release touches.
// Nothing is changed: the questions run in one read-only transaction with short timeouts.
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
	"github.com/onward-sql/onward/internal/checks"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
)

// Config is what Run needs.
type Config struct {
	// Config names the release, as for [audit.Changelog], and has the settings. Its
	// Deployed.DB is the address of the database that is asked.
	audit.Config
	// Alone asks the server only, and reads no repository.
	Alone bool
	// TLS are further endpoints, as host:port, whose certificates are looked at.
	TLS []string
}

// Run asks the database.
//
// Errors: *audit.AddressError for an address that is none, *audit.ServerError for a server
// that cannot be reached or asked, a *config.InputError for an endpoint that is none; and
// where a revision is named, those of [audit.Changelog].
func Run(ctx context.Context, c Config) (*onward.Preflight, error) {
	if c.Settings == nil {
		c.Settings = config.Default()
	}
	if c.Now.IsZero() {
		c.Now = time.Now()
	}
	endpoints, err := places(c.TLS)
	if err != nil {
		return nil, err
	}
	s, err := live.Dial(ctx, c.DB)
	if err != nil {
		return nil, err
	}
	defer s.Close(ctx)
	in := &checks.Input{
		Server: asked{ctx, s}, Now: c.Now, PID: s.PID(), Shared: func() (bool, error) { return live.Shared(ctx, c.DB) },
		Majors: c.Settings.Postgres, Deprecated: c.Settings.Deprecated, Limits: limits(c.Settings), Severity: c.Settings.Severities(),
	}
	if s.Here() && runsHere(s.PID()) {
		in.Free = pgserver.Free
	}
	in.Endpoints = own(s, c.Now)
	for _, e := range endpoints {
		in.Endpoints = append(in.Endpoints, look(ctx, e, c.Now))
	}
	if !c.Alone {
		if err := release(ctx, &c, s, in); err != nil {
			return nil, err
		}
	}
	return checks.Run(in)
}

// limits are where the settings say that a check begins to warn.
func limits(c *config.Config) checks.Limits {
	p := &c.Preflight
	return checks.Limits{
		Disk: p.Disk, Backup: p.Backup, BackupAge: time.Duration(p.BackupDays) * 24 * time.Hour,
		CertificateWarning: p.CertificateWarningDays, CertificateError: p.CertificateErrorDays,
		Transaction: time.Duration(p.TransactionAge) * time.Millisecond, ReplicaLag: time.Duration(p.ReplicaLag) * time.Millisecond,
		SlotWAL: int64(p.SlotWAL),
	}
}

// runsHere reports whether a process of this machine is the server's that has the number: a
// socket may lead out of a container, where paths are other ones.
func runsHere(pid uint32) bool {
	if runtime.GOOS != "linux" {
		return true
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.HasPrefix(string(line), "postgres:")
}

// asked is a session as the checks see it.
type asked struct {
	ctx context.Context
	s   *live.Session
}

// Each asks the session.
func (a asked) Each(sql string, args, targets []any, f func()) error {
	return a.s.Each(a.ctx, sql, args, targets, f)
}

// own are the certificates of the connection itself.
func own(s *live.Session, now time.Time) []checks.Endpoint {
	var out []checks.Endpoint
	if list := s.Presented(); len(list) > 0 {
		e := checks.Endpoint{Name: s.Where(), Certificates: list}
		if !s.Verified() {
			e.Untrusted = verify(list, s.Host(), now)
		}
		out = append(out, e)
	}
	if list := s.Own(); len(list) > 0 {
		out = append(out, checks.Endpoint{Name: "this client", Certificates: list})
	}
	return out
}

// verify says why a chain does not lead to a root of this machine's; "" where it does.
// When it ends is another check's matter.
func verify(chain []*x509.Certificate, host string, now time.Time) string {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if now.After(chain[0].NotAfter) || now.Before(chain[0].NotBefore) {
		now = chain[0].NotBefore.Add(chain[0].NotAfter.Sub(chain[0].NotBefore) / 2)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Intermediates: between, CurrentTime: now})
	if err != nil {
		return err.Error()
	}
	return ""
}
