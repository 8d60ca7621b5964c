package ledger

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"os"
	"os/user"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Process says which process wrote a line of the log, besides its name. The server adds the database role itself.
type Process struct {
	OSUser, Host string
	// Job is the job of a CI service, Link its page, and Commit what it has checked out; "" for none.
	Job, Link, Commit string
}

// currentProcess describes this process.
var currentProcess = sync.OnceValue(func() Process {
	p := readCIJob(os.Getenv)
	p.Host, _ = os.Hostname() // "" is good enough
	if u, err := user.Current(); err == nil {
		p.OSUser = u.Username
	}
	p.OSUser = truncateText(cmp.Or(p.OSUser, os.Getenv("USER")), maxJob)
	p.Host = truncateText(p.Host, maxJob)
	return p
})

// The limits of a job's name and of its link, in bytes.
const (
	maxJob  = 200
	maxLink = 1000
)

var commitID = lazyregexp.New(`^[0-9a-fA-F]{7,64}$`)

// readCIJob reads the environment variables of a CI service. Others may have set them: a link is a web page or nothing.
func readCIJob(env func(string) string) Process {
	join := func(separator string, names ...string) string {
		var parts []string
		for _, name := range names {
			if value := env(name); value != "" {
				parts = append(parts, value)
			}
		}
		return strings.Join(parts, separator)
	}
	var p Process
	switch {
	case env("GITHUB_ACTIONS") != "":
		p = Process{Job: join(" / ", "GITHUB_WORKFLOW", "GITHUB_JOB"), Commit: env("GITHUB_SHA")}
		if run := env("GITHUB_RUN_ID"); run != "" {
			p.Link = env("GITHUB_SERVER_URL") + "/" + env("GITHUB_REPOSITORY") + "/actions/runs/" + run
		}
	case env("GITLAB_CI") != "":
		p = Process{Job: join(" / ", "CI_PROJECT_PATH", "CI_JOB_NAME"), Link: env("CI_JOB_URL"), Commit: env("CI_COMMIT_SHA")}
	case env("BUILDKITE") != "":
		p = Process{Job: join(" / ", "BUILDKITE_PIPELINE_SLUG", "BUILDKITE_LABEL"), Link: env("BUILDKITE_BUILD_URL"), Commit: env("BUILDKITE_COMMIT")}
		if job := env("BUILDKITE_JOB_ID"); job != "" && p.Link != "" {
			p.Link += "#" + job
		}
	case env("CIRCLECI") != "":
		p = Process{Job: join(" / ", "CIRCLE_PROJECT_REPONAME", "CIRCLE_JOB"), Link: env("CIRCLE_BUILD_URL"), Commit: env("CIRCLE_SHA1")}
	case env("JENKINS_URL") != "":
		p = Process{Job: join(" #", "JOB_NAME", "BUILD_NUMBER"), Link: env("BUILD_URL"), Commit: env("GIT_COMMIT")}
	}
	p.Job, p.Link = truncateText(p.Job, maxJob), sanitizeLink(p.Link)
	if !commitID.MatchString(p.Commit) {
		p.Commit = ""
	}
	return p
}

// sanitizeLink returns the address of a web page without a login; "" for anything else.
func sanitizeLink(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(text) > maxLink {
		return ""
	}
	u.User = nil
	return u.String()
}

// truncateText returns the beginning of a text, in UTF-8.
func truncateText(text string, most int) string {
	return pgparse.ClipTo(strings.ToValidUTF8(text, "\uFFFD"), most)
}

// States of a [Control].
const (
	Paused    = "paused"
	Cancelled = "cancelled"
)

// Control is a command from another terminal to the backfills of a plan. It is read before each batch.
type Control struct {
	// State is Paused, Cancelled or "".
	State string
	// Rows is the maximum number of rows of a batch, Batch its target duration; 0 for the default.
	Rows  int
	Batch time.Duration
	// Rest is the pause after a batch, as a fraction of the batch's duration; below 0 for the default.
	Rest float64
	// Who sent the command.
	Who string
}

// ReadControl reads the command for the backfills of a plan.
func ReadControl(ctx context.Context, conn Conn, plan string) (Control, error) {
	c := Control{Rest: -1}
	var batch float64
	err := conn.QueryRow(ctx, "SELECT state, rows, extract(epoch FROM batch)::float8, rest, who FROM onward_ledger.control WHERE plan = $1", plan).
		Scan(&c.State, &c.Rows, &batch, &c.Rest, &c.Who)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, nil
	}
	c.Batch = time.Duration(batch * float64(time.Second))
	return c, err
}

// StoreControl stores a command for the backfills of a plan.
func StoreControl(ctx context.Context, conn Conn, plan string, c Control) error {
	_, err := conn.Exec(ctx, `INSERT INTO onward_ledger.control (plan, state, rows, batch, rest, who) VALUES ($1, $2, $3, $4 * interval '1 second', $5, $6)
		ON CONFLICT (plan) DO UPDATE SET state = excluded.state, rows = excluded.rows, batch = excluded.batch, rest = excluded.rest, who = excluded.who, at = clock_timestamp()`,
		plan, c.State, c.Rows, c.Batch.Seconds(), c.Rest, c.Who)
	return err
}

// ClearCancel clears a cancel: it is meant for the processes that were running.
func ClearCancel(ctx context.Context, conn Conn, plan string) error {
	_, err := conn.Exec(ctx, "UPDATE onward_ledger.control SET state = '' WHERE plan = $1 AND state = 'cancelled'", plan)
	return err
}

// identity is an SQL expression that identifies the server, the database and its ledger. It differs in a restored dump, after an upgrade and in
// a copy of the database: there schemas have the same names, but other OIDs.
const identity = `(SELECT system_identifier::text FROM pg_catalog.pg_control_system()) || '/' ||
	(SELECT oid::text FROM pg_catalog.pg_database WHERE datname = current_database()) || '/' || 'onward_ledger.origin'::regclass::oid::text`

// isOriginDatabase reports whether the ledger's OIDs of schemas belong to this database. Otherwise their names count.
func isOriginDatabase(ctx context.Context, conn Conn) (isOrigin bool, err error) {
	err = conn.QueryRow(ctx, "SELECT system = "+identity+" FROM onward_ledger.origin").Scan(&isOrigin)
	return isOrigin, err
}

// updateSchemaOIDs gives the plans of a restored database the OIDs that their schemas have here. A schema that does not exist gets 0.
func updateSchemaOIDs(ctx context.Context, conn *pgx.Conn) error {
	if isOrigin, err := isOriginDatabase(ctx, conn); err != nil || isOrigin {
		return err
	}
	return live.InOwnTransaction(ctx, conn, "SET LOCAL lock_timeout = '5s'", func() error {
		if _, err := conn.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock($1)", int64(lockKey)); err != nil {
			return err
		}
		if isOrigin, err := isOriginDatabase(ctx, conn); err != nil || isOrigin { // another process was first
			return err
		}
		for _, sql := range []string{
			"INSERT INTO onward_ledger.schema_begun (plan, schema, name) SELECT plan, schema, name FROM onward_ledger.schema_plan ON CONFLICT DO NOTHING",
			`UPDATE onward_ledger.schema_plan AS s SET schema = coalesce((SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = s.name), 0)`,
			"DELETE FROM onward_ledger.schema_lease",
			"DELETE FROM onward_ledger.relation", // the next run of each plan records them again
			"UPDATE onward_ledger.origin SET system = " + identity,
		} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}
