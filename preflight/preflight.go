// Package preflight asks a running database whether it is fit to be migrated now: what is
// between here and the server, whether its archive and replicas keep up, what earlier
// migrations left, and who would block the next one.
//
// It needs no migrations. In a repository it knows which tables the release touches.
// Nothing is changed: the queries run in one read-only transaction with short timeouts.
package preflight

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/dbchecks"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/internal/undo"
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

// endpoint is an address whose certificates are checked: --tls db.example.com:5432.
type endpoint struct{ name, host, port string }

// parseEndpoints parses the endpoints.
func parseEndpoints(names []string) ([]endpoint, error) {
	var out []endpoint
	for _, name := range names {
		host, port, err := net.SplitHostPort(name)
		n, bad := strconv.ParseUint(port, 10, 16)
		if err != nil || bad != nil || n == 0 || host == "" {
			return nil, &config.InputError{Err: fmt.Errorf("the endpoint %q is none: write HOST:PORT, such as db.example.com:5432 or [::1]:6432", name)}
		}
		out = append(out, endpoint{name, host, port})
	}
	return out, nil
}

// patience limits each attempt to get a certificate.
const patience = 5 * time.Second

// readCertificates gets the certificates of an endpoint: in Postgres' way, after an SSLRequest in
// plain text, or as with any other protocol, at once. For the usual ports of Postgres,
// its way is tried first; for all others, the second.
func readCertificates(ctx context.Context, target endpoint, now time.Time) dbchecks.Endpoint {
	e := dbchecks.Endpoint{Name: target.name, Asked: true}
	ways := []func(context.Context, net.Conn) error{nil, startTLS}
	if target.port == "5432" || target.port == "6432" || target.port == "5433" {
		ways[0], ways[1] = ways[1], ways[0]
	}
	var failed []error
	for _, way := range ways {
		state, err := handshakeTLS(ctx, target, way)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		e.Certificates = state.PeerCertificates
		e.Untrusted = verifyChain(e.Certificates, target.host, now)
		return e
	}
	e.Why = "it cannot be reached over TLS: " + errors.Join(failed...).Error()
	var dial *net.OpError
	if errors.As(failed[0], &dial) && dial.Op == "dial" {
		e.Why = "it cannot be reached: " + failed[0].Error()
	}
	return e
}

// handshakeTLS does a TLS handshake with an endpoint, and closes the connection.
func handshakeTLS(ctx context.Context, target endpoint, before func(context.Context, net.Conn) error) (*tls.ConnectionState, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(target.host, target.port))
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }() // nothing is lost with it
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(deadline) // a connection without one still ends with the context
	}
	if before != nil {
		if err := before(ctx, c); err != nil {
			return nil, err
		}
	}
	// The certificate is read without verification; another check decides whether it is
	// trusted. A server may show its certificate and then refuse a client that has none.
	var state tls.ConnectionState
	t := tls.Client(c, &tls.Config{
		ServerName: target.host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10,
		NextProtos:       []string{"postgresql", "h2", "http/1.1"},
		VerifyConnection: func(s tls.ConnectionState) error { state = s; return nil },
	})
	if err := t.HandshakeContext(ctx); err != nil && len(state.PeerCertificates) == 0 {
		return nil, err
	}
	return &state, nil
}

// startTLS sends Postgres' SSLRequest.
func startTLS(_ context.Context, c net.Conn) error {
	request := make([]byte, 8)
	binary.BigEndian.PutUint32(request, 8)
	binary.BigEndian.PutUint32(request[4:], 80877103) // SSLRequest
	if _, err := c.Write(request); err != nil {
		return err
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(c, answer); err != nil {
		return fmt.Errorf("it does not answer as Postgres does: %w", err)
	}
	if answer[0] != 'S' {
		return errors.New("it offers no TLS")
	}
	return nil
}

// readRelease reads the repository: which tables the release touches, and the schema that its
// migrations make. If no revision was named, a directory without migrations is no error:
// the checks report what they do not know.
func readRelease(ctx context.Context, c *Config, s *live.Session, in *dbchecks.Input) error {
	releaseConfig := c.Config
	releaseConfig.Deployed = audit.Deployed{Workload: []string{}}
	report, err := auditRelease(ctx, releaseConfig, s.Major(), in)
	if err != nil {
		if c.Base != "" || c.Head != "" || c.Dir != "" || !isNoRelease(err) {
			return err
		}
		in.NoRelease = err.Error()
		return nil
	}
	in.Release = report.Base + "..." + report.Head
	in.Touched = touchedTables(report, in.Deployed)
	schema, err := s.Schema(ctx)
	if err != nil {
		return err
	}
	in.Live = schema.Catalog
	// A role that may not read the ledger gets the plan's objects as a difference, like any other.
	if state, err := underway.ReadState(ctx, c.DB, in.Deployed, "", nil); err == nil {
		for i := range state.Begun {
			in.UnderWay = append(in.UnderWay, undo.ListChanged(&state.Begun[i].Plan.Plan)...)
		}
	}
	return nil
}

// auditRelease audits the release for the version of the server.
func auditRelease(ctx context.Context, c audit.Config, major int, in *dbchecks.Input) (report *onward.Report, err error) {
	r, err := audit.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	report, in.Deployed, in.Head, err = r.Schemas(major)
	return report, err
}

// isNoRelease reports whether an error only says that there is no release here.
func isNoRelease(err error) bool {
	return hasError[*audit.NotRepositoryError](err) || hasError[*audit.BareRepositoryError](err) || hasError[*audit.NoCommitsError](err) ||
		hasError[*audit.NotFoundError](err) || hasError[*audit.NoBaseError](err) || hasError[*audit.NoMergeBaseError](err) || hasError[*audit.OwnershipError](err)
}

func hasError[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// touchedTables returns the existing tables that a release locks in a mode that others notice,
// or writes to: as schema.name, each once, in order.
func touchedTables(report *onward.Report, deployed *audit.Catalog) []string {
	out := []string{}
	for i := range report.Migrations {
		for _, s := range report.Migrations[i].Statements {
			for _, e := range s.Effects {
				if e.New || e.Lock <= onward.AccessShareLock {
					continue
				}
				schema, name, _ := strings.Cut(e.Relation, ".")
				if r := deployed.Lookup(schema, name); r != nil && r.Index != nil {
					if r = deployed.TableOf(r); r == nil {
						continue
					}
					out = append(out, r.Name.Qualified())
				} else if r == nil || r.Kind.IsTable() {
					out = append(out, e.Relation)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
