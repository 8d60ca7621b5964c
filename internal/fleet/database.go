package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

// sessionName is the application_name of the sessions that keep the ledger.
const sessionName = "onward fleet"

// database is a database with targets, and a session that keeps their ledger.
type database struct {
	address string
	label   string // HOST:PORT/NAME
	system  string // the server's system identifier
	started string // when the server was started: a copied server has the same system identifier
	oid     uint32
	holder  string // identifies this process in the ledger

	mu    sync.Mutex // of address and users
	users int        // of the session

	// readAddress reads the address again, after a changed password; nil if the address is a plain text.
	readAddress func(ctx context.Context) (string, error)

	session *live.SideSession
	pid     uint32 // of the session, as the ledger knows it; only used in withSessionOnce
	work    string // of the release whose rows were read last; "" if it has none, or was not begun
	created bool   // the ledger exists and has the release; only used in withSession
}

// identity identifies the server and the database in the ledger: a restored copy has another one.
func (d *database) identity() string { return fmt.Sprint(d.system, "/", d.oid) }

// withSession calls f with the session. If the server refuses the password, it reads the address again.
func (d *database) withSession(ctx context.Context, f func(ctx context.Context, conn *pgx.Conn) error) error {
	before := d.currentAddress()
	err := d.withSessionOnce(ctx, f)
	if live.IsLoginRefused(err) && d.renewAddress(ctx, before) {
		err = d.withSessionOnce(ctx, f)
	}
	return err
}

// withSessionOnce calls f with the session. After a lost connection it marks the targets of this process with the new session.
func (d *database) withSessionOnce(ctx context.Context, f func(ctx context.Context, conn *pgx.Conn) error) error {
	return d.session.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if pid := conn.PgConn().PID(); pid != d.pid {
			if d.created {
				if err := renewHolder(ctx, conn, d.holder); err != nil {
					return err
				}
			}
			d.pid = pid
		}
		return f(ctx, conn)
	})
}

// acquireSession begins the use of the session.
func (d *database) acquireSession() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users++
}

// releaseSession ends a use of the session, and closes it after the last one.
func (d *database) releaseSession() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.users--; d.users == 0 {
		d.session.Close(context.Background())
	}
}

// identifyTargets finds the database of each target. A target whose database cannot be used gets a problem.
func identifyTargets(ctx context.Context, list []*Target, holder string) {
	groups := map[string][]*Target{}
	for _, t := range list {
		groups[t.Address] = append(groups[t.Address], t)
	}
	forEachKey(groups, func(text string) { identifyGroup(ctx, text, groups[text], holder) })
}

// forEachKey calls f for each key of a map, some at once.
func forEachKey[K comparable, V any](m map[K]V, f func(K)) {
	const atOnce = 8
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for key := range m {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			f(key)
		})
	}
	all.Wait()
}

// identifyGroup finds the database of the targets with one address.
func identifyGroup(ctx context.Context, text string, list []*Target, holder string) {
	names := []string{}
	for _, t := range list {
		names = append(names, t.Schema)
	}
	d, schemas, err := openDatabase(ctx, text, holder, names)
	d.readAddress = list[0].readAddress
	if live.IsLoginRefused(err) && d.renewAddress(ctx, text) {
		d, schemas, err = openDatabase(ctx, d.address, holder, names)
		d.readAddress = list[0].readAddress
	}
	for _, t := range list {
		t.database, t.problem, t.Address = d, err, d.address
		if err == nil && t.Schema != "" {
			oid, ok := schemas[t.Schema]
			if t.schemaOID = oid; !ok {
				t.problem = &goneError{schema: t.Schema}
			}
		}
	}
}

// goneError says that a target does not exist any more.
type goneError struct{ schema, newName string }

// Error names the schema.
func (e *goneError) Error() string {
	switch {
	case e.schema == "":
		return "the database does not exist any more"
	case e.newName != "":
		return fmt.Sprintf("the schema %q is now called %q", e.schema, e.newName)
	}
	return fmt.Sprintf("the database has no schema %q", e.schema)
}

// openDatabase identifies a database. schemas are the OIDs of those schemas that it has.
func openDatabase(ctx context.Context, text, holder string, names []string) (d *database, schemas map[string]uint32, err error) {
	d = &database{address: text, holder: holder, session: &live.SideSession{URL: text, Name: sessionName, Own: true}}
	if d.label, err = databaseName(text); err != nil {
		return d, nil, err
	}
	schemas = map[string]uint32{}
	err = d.session.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		var number int
		var recovery bool
		var readOnly string
		if err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, pg_catalog.pg_is_in_recovery(),
			current_setting('default_transaction_read_only'),
			(SELECT system_identifier::text FROM pg_catalog.pg_control_system()), (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()),
			extract(epoch FROM pg_catalog.pg_postmaster_start_time())::text`).Scan(&number, &recovery, &readOnly, &d.system, &d.oid, &d.started); err != nil {
			return err
		}
		switch {
		case number/10000 < onward.OldestMajor:
			return &versionError{number / 10000}
		case recovery:
			return errors.New("it is a standby, and so read-only")
		case readOnly == "on":
			return errors.New("it is read-only: default_transaction_read_only is on")
		}
		rows, _ := conn.Query(ctx, "SELECT nspname::text, oid FROM pg_catalog.pg_namespace WHERE nspname = ANY ($1::text[])", names)
		var name string
		var oid uint32
		_, err := pgx.ForEachRow(rows, []any{&name, &oid}, func() error { schemas[name] = oid; return nil })
		return err
	})
	d.session.Close(ctx)
	if isMissingDatabase(err) {
		err = &goneError{}
	}
	return d, schemas, describeServerError(err)
}

// versionError says that a server is older than this release of onward knows. It does not help to wait.
type versionError struct{ major int }

// Error names the versions.
func (e *versionError) Error() string {
	return fmt.Sprintf("it is Postgres %d, and this release of onward knows %d to %d", e.major, onward.OldestMajor, onward.PreviewMajor)
}

func isVersionError(err error) bool { return errors.As(err, new(*versionError)) }

// isMissingDatabase reports whether a database does not exist (any more).
func isMissingDatabase(err error) bool {
	refused := live.FindRefusal(err)
	return refused != nil && refused.Code == "3D000"
}

// isServerBusy reports whether the server may accept the connection later: it has no free connection, or it starts up or shuts down.
func isServerBusy(err error) bool {
	refused := live.FindRefusal(err)
	if refused == nil {
		return false
	}
	switch refused.Code {
	case "53300", "53400", "57P01", "57P02", "57P03":
		return true
	}
	return false
}

// describeServerError returns an error without the values that a message of the server may have.
func describeServerError(err error) error {
	refused := new(pgconn.PgError)
	if !errors.As(err, &refused) {
		return err
	}
	return &serverError{text: redact.MessageWithCode(refused), err: err}
}

// serverError is an error of the server without values.
type serverError struct {
	text string
	err  error
}

// Error returns the text without values.
func (e *serverError) Error() string { return e.text }

// Unwrap returns the server's error.
func (e *serverError) Unwrap() error { return e.err }

// redactTarget returns an error without the password of the target.
func redactTarget(err error, t *Target) error {
	if err == nil {
		return nil
	}
	return address.RedactError(describeServerError(err), t.Address)
}

// dropDuplicates returns the targets without those that are the same schema of the same database as an earlier one, and a sentence for each of
// these.
func dropDuplicates(list []*Target) (uniqueTargets []*Target, duplicates []string) {
	type key struct {
		server        string
		database, oid uint32
	}
	seen := map[key]*Target{}
	for _, t := range list {
		if t.problem == nil {
			k := key{t.serverKey(), t.database.oid, t.schemaOID}
			if first := seen[k]; first != nil {
				duplicates = append(duplicates, fmt.Sprintf("%s is the same as %s", t.Name, first.Name))
				continue
			}
			seen[k] = t
		}
		uniqueTargets = append(uniqueTargets, t)
	}
	return uniqueTargets, duplicates
}

// renewAddress reads the address of a database again, after the server rejected a password. It reports whether the address now differs
// from rejected.
func (d *database) renewAddress(ctx context.Context, rejected string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.address != rejected || d.readAddress == nil {
		return d.address != rejected
	}
	fresh, err := d.readAddress(ctx)
	if err != nil || fresh == rejected {
		return false
	}
	d.address = fresh
	d.session.SetURL(fresh)
	return true
}

// currentAddress returns the address as it was read last.
func (d *database) currentAddress() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.address
}

// ReadOpenSteps returns the current step of each target's plan, by the name of the target, as its ledger has it: its progress, and why it
// waits. Targets without such a step are missing. It changes nothing.
func ReadOpenSteps(ctx context.Context, list []*Target) map[string]*onward.AppliedStep {
	identifyMissing(ctx, list)
	byDatabase := map[*database][]*Target{}
	for _, t := range list {
		if t.problem == nil {
			byDatabase[t.database] = append(byDatabase[t.database], t)
		}
	}
	var mu sync.Mutex
	out := map[string]*onward.AppliedStep{}
	forEachKey(byDatabase, func(d *database) {
		steps := d.readOpenSteps(ctx, byDatabase[d])
		d.session.Close(ctx)
		mu.Lock()
		defer mu.Unlock()
		for _, t := range byDatabase[d] {
			if s := steps[t.schemaOID]; s != nil {
				out[t.Name] = s
			}
		}
	})
	return out
}

// readOpenSteps returns the open steps of some targets, by the OID of the schema. They are for observers only, so an error means none.
func (d *database) readOpenSteps(ctx context.Context, list []*Target) (out map[uint32]*onward.AppliedStep) {
	var schemas []uint32
	for _, t := range list {
		schemas = append(schemas, t.schemaOID)
	}
	_ = d.withSession(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		out, err = ledger.ReadOpenSteps(ctx, conn, schemas)
		return err
	})
	return out
}
