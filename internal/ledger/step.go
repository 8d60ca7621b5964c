package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Step is the progress of a step of a plan.
type Step struct {
	ID       string
	Checksum string
	State    string
	Attempts int
	// Rows is how many rows a backfill has processed.
	Rows int64
	// PID and Backend identify the session that ran it last: its process and its start.
	PID     *int
	Backend *time.Time
	Began   time.Time
	Ended   *time.Time
	// Waited is how long others have blocked it.
	Waited time.Duration
	// Note is the last event.
	Note string
}

// ReadSteps returns the started steps of a plan, by ID.
func ReadSteps(ctx context.Context, conn Conn, plan string) (map[string]*Step, error) {
	n, err := readVersion(ctx, conn)
	if err != nil {
		return nil, err
	}
	shared := "0"
	if n >= 3 { // an older ledger has no ranges
		shared = "(SELECT coalesce(sum(r.rows), 0)::bigint FROM onward_ledger.range AS r WHERE r.plan = s.plan AND r.step = s.id)"
	}
	rows, _ := conn.Query(ctx, "SELECT id, checksum, state, attempts, rows + "+shared+`, pid, backend, began, ended, extract(epoch FROM waited)::float8, note
		FROM onward_ledger.step AS s WHERE plan = $1`, plan)
	out := map[string]*Step{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (bool, error) {
		s := &Step{}
		var waited float64
		if err := row.Scan(&s.ID, &s.Checksum, &s.State, &s.Attempts, &s.Rows, &s.PID, &s.Backend, &s.Began, &s.Ended, &waited, &s.Note); err != nil {
			return false, err
		}
		s.Waited = time.Duration(waited * float64(time.Second))
		out[s.ID] = s
		return true, nil
	})
	return out, err
}

// RecordAttempt records that a session tries a step.
func (l *Lease) RecordAttempt(ctx context.Context, conn Conn, plan, id string, number int, checksum string) error {
	_, err := conn.Exec(ctx, `INSERT INTO onward_ledger.step (plan, id, number, checksum, state, attempts, epoch, pid, backend)
		SELECT $1, $2, $3, $4, 'running', 1, $5, pg_backend_pid(), (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
		ON CONFLICT (plan, id) DO UPDATE SET state = 'running', attempts = step.attempts + 1, epoch = excluded.epoch, pid = excluded.pid, backend = excluded.backend`,
		plan, id, number, checksum, l.Epoch)
	return err
}

// AddRows adds the rows of a batch, in the transaction that processes them.
func AddRows(ctx context.Context, conn Conn, plan, id string, rows int64) error {
	_, err := conn.Exec(ctx, "UPDATE onward_ledger.step SET rows = rows + $3 WHERE plan = $1 AND id = $2", plan, id, rows)
	return err
}

// AddRowsSQL is [AddRows] as a statement. rows is an expression for their number.
func AddRowsSQL(plan, id, rows string) string {
	return "UPDATE onward_ledger.step SET rows = rows OPERATOR(pg_catalog.+) " + rows + " WHERE " + stepCondition("id", plan, id)
}

// FinishStepSQL returns the statement that records, in the transaction of a step, that it is done.
func FinishStepSQL(plan, id string) string {
	return "UPDATE onward_ledger.step SET state = 'done', ended = pg_catalog.clock_timestamp(), note = '' WHERE " + stepCondition("id", plan, id)
}

// stepCondition is the condition on the columns that have a step's plan and its ID.
func stepCondition(stepColumn, plan, id string) string {
	return "plan OPERATOR(pg_catalog.=) " + pgparse.QuoteLiteral(plan) + " AND " + stepColumn + " OPERATOR(pg_catalog.=) " + pgparse.QuoteLiteral(id)
}

// RecordStepState records why a step is not done, and for how long others blocked it.
func RecordStepState(ctx context.Context, conn Conn, plan, id, state, note string, waited time.Duration) error {
	_, err := conn.Exec(ctx, "UPDATE onward_ledger.step SET state = $3, note = $4, waited = waited + $5 * interval '1 second' WHERE plan = $1 AND id = $2 AND "+
		"state <> 'done'",
		plan, id, state, note, waited.Seconds())
	return err
}

// DeleteStepSQL returns the statement that deletes the record of a step, in the transaction that undoes it.
func DeleteStepSQL(plan, id string) string {
	step := stepCondition("step", plan, id)
	return "WITH compared AS (DELETE FROM onward_ledger.verification WHERE " + step + "), passed_over AS (DELETE FROM onward_ledger.quarantine WHERE " + step +
		") DELETE FROM onward_ledger.step WHERE " + stepCondition("id", plan, id)
}

// UndoneSteps returns the steps of a plan that an abort has undone, according to the log.
func UndoneSteps(ctx context.Context, conn Conn, plan string) ([]string, error) {
	rows, _ := conn.Query(ctx, "SELECT DISTINCT step FROM onward_ledger.log WHERE plan = $1 AND event = 'taken back'", plan)
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Entry is a line of the log.
type Entry struct {
	Number int64
	At     time.Time
	Who    string
	Plan   string
	Step   string
	Event  string
	Detail string
	// Role is the database role of the session, and Process the process. Lines of an older onward have neither.
	Role string
	Process
}

// Result returns the result that an event reports; "" for none.
func (e *Entry) Result() string {
	switch last := e.Event[strings.LastIndexByte(e.Event, ' ')+1:]; {
	case strings.HasSuffix(e.Event, "taken back"):
		return Done
	case slices.Contains([]string{Done, Failed, Waiting, "refused"}, last):
		return last
	}
	return ""
}

// WriteLog writes a line, with the process and its database role.
func WriteLog(ctx context.Context, conn Conn, e *Entry) error {
	p := currentProcess()
	_, err := conn.Exec(ctx, `WITH line AS (INSERT INTO onward_ledger.log (who, plan, step, event, detail) VALUES ($1, $2, $3, $4, $5) RETURNING number)
		INSERT INTO onward_ledger.log_process SELECT number, session_user, $6, $7, $8, $9, $10 FROM line`,
		e.Who, e.Plan, e.Step, e.Event, e.Detail, p.OSUser, p.Host, p.Job, p.Link, p.Commit)
	return err
}

// ReadLog returns the last lines of the log after a number, oldest first; for plan "", of all plans.
func ReadLog(ctx context.Context, conn Conn, plan string, after int64, most int) ([]Entry, error) {
	n, err := readVersion(ctx, conn)
	if err != nil {
		return nil, err
	}
	columns, process := "'', '', '', '', '', ''", ""
	if n >= 7 { // an older ledger has no processes
		columns = "coalesce(p.role, ''), coalesce(p.os_user, ''), coalesce(p.host, ''), coalesce(p.job, ''), coalesce(p.link, ''), coalesce(p.commit, '')"
		process = " LEFT JOIN onward_ledger.log_process AS p ON p.line = last.number"
	}
	rows, _ := conn.Query(ctx, "SELECT number, at, who, plan, step, event, detail, "+columns+` FROM (
		SELECT * FROM onward_ledger.log WHERE (plan = $1 OR $1 = '') AND number > $3 ORDER BY number DESC LIMIT $2) AS last`+process+` ORDER BY number`,
		plan, most, after)
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Entry, err error) {
		err = row.Scan(&e.Number, &e.At, &e.Who, &e.Plan, &e.Step, &e.Event, &e.Detail, &e.Role, &e.OSUser, &e.Host, &e.Job, &e.Link, &e.Commit)
		return e, err
	})
}

// LastDetail returns the detail of the last log line for an event of a plan; "" if there is none.
func LastDetail(ctx context.Context, conn Conn, plan, event string) (detail string, err error) {
	err = conn.QueryRow(ctx, "SELECT detail FROM onward_ledger.log WHERE plan = $1 AND event = $2 ORDER BY number DESC LIMIT 1", plan, event).Scan(&detail)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return detail, err
}

// openSteps selects the started steps that are not done, of plans for some schemas; 0 means the plans for the whole database.
const openSteps = `SELECT o.schema, s.id, s.state, s.attempts,
		s.rows + (SELECT coalesce(sum(r.rows), 0)::bigint FROM onward_ledger.range AS r WHERE r.plan = s.plan AND r.step = s.id),
		extract(epoch FROM s.waited)::float8, s.began, s.note
	FROM (SELECT sp.schema::bigint AS schema, sp.plan FROM onward_ledger.schema_plan AS sp WHERE sp.schema::bigint = ANY ($1::bigint[])
		UNION ALL SELECT 0, p.id FROM onward_ledger.plan AS p
		WHERE 0 = ANY ($1::bigint[]) AND p.state <> 'done' AND NOT EXISTS (SELECT FROM onward_ledger.schema_plan AS sp WHERE sp.plan = p.id)) AS o
	JOIN onward_ledger.step AS s ON s.plan = o.plan AND s.state IN ('running', 'waiting', 'failed') ORDER BY s.began`

// ReadOpenSteps returns the step that was started last and is not done, for each of some schemas with such a step; the OID 0 means the whole
// database. A ledger that apply of this release has not used yet has none.
func ReadOpenSteps(ctx context.Context, conn Conn, schemas []uint32) (map[uint32]*onward.AppliedStep, error) {
	if n, err := readVersion(ctx, conn); err != nil || n < 4 {
		return nil, err
	}
	if err := Check(ctx, conn, ""); err != nil {
		return nil, err
	}
	list := []int64{}
	for _, oid := range schemas {
		list = append(list, int64(oid))
	}
	rows, _ := conn.Query(ctx, openSteps, list)
	out := map[uint32]*onward.AppliedStep{}
	var oid int64
	var next onward.AppliedStep
	var waited float64
	var began time.Time
	_, err := pgx.ForEachRow(rows, []any{&oid, &next.ID, &next.State, &next.Attempts, &next.Rows, &waited, &began, &next.Note}, func() error {
		s, stepBegan := next, began
		s.WaitedMS, s.Began = int64(1000*waited), &stepBegan
		out[uint32(oid)] = &s
		return nil
	})
	return out, err
}

// PlanID returns a hash of a plan's steps and of the schema that it is for. It identifies a plan in the ledger. An older
// release hashed fewer values, so compare the IDs of two plans, and not an ID that an older release stored.
func PlanID(p *onward.Plan) string {
	sum := sha256.New()
	write := func(s string) { sum.Write([]byte(s + "\x00")) }
	write(p.Catalog)
	for i := range p.Steps {
		write(p.Steps[i].ID)
		write(StepChecksum(&p.Steps[i]))
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// StepChecksum returns a hash of a step's SQL, its other properties and its preconditions.
func StepChecksum(s *onward.PlanStep) string {
	parts := []string{string(s.Phase), string(s.Class), s.SQL, s.Check, s.Undo, string(s.Transaction), fmt.Sprint(s.Repeat)}
	for _, r := range s.Requires {
		parts = append(parts, string(r.Kind), r.Step)
	}
	for _, m := range s.Marks {
		parts = append(parts, m.Marks, m.Table)
	}
	if b := s.Backfill; b != nil {
		parts = append(parts, b.Table, strings.Join(b.Keys, "\x00"), b.Work, strings.Join(b.Triggers, "\x00"))
		for _, c := range b.Compare {
			parts = append(parts, c.Table, strings.Join(c.Keys, "\x00"), c.Wrong, c.Mend)
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// PlanDigest returns a hash of all values of a plan, except its name, its files and the digest itself. The formatting of
// the JSON does not matter. It finds an accidental change; it is not a signature, because everybody can compute it.
//
// Begin, Record and Unrecord of a step are left out, because apply adds them. A new field of a plan must be omitted from its JSON
// if it is empty. Otherwise the plans of older releases would have another digest.
func PlanDigest(p *onward.Plan) (string, error) {
	bare := *p
	bare.Name, bare.Dir, bare.Commit, bare.Files, bare.Digest = "", "", "", nil, ""
	bare.Steps = slices.Clone(p.Steps)
	for i := range bare.Steps {
		s := &bare.Steps[i]
		s.Begin, s.Record, s.Unrecord, s.Files, s.ByHand, s.Ran = "", "", "", nil, "", false
	}
	// Twice, because the first time replaces bytes that are not UTF-8.
	text, err := json.Marshal(&bare)
	if err != nil {
		return "", err
	}
	var parsed onward.Plan
	if err := json.Unmarshal(text, &parsed); err != nil {
		return "", err
	}
	if text, err = json.Marshal(&parsed); err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
