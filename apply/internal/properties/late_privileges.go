package properties

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// PrivilegeSource is a relation whose privileges another one gets in a step. It stays after the step, under another name. Before Postgres 18 a
// GRANT does not wait for the step's lock, and may change it after the copy: such late privileges are copied after the commit.
type PrivilegeSource struct {
	relation uint32 // its OID
	before   inventory.Inventory
	target   string // the relation that gets the privileges, by its name after the step
	sets     []string
	record   string // the name of before in the ledger
}

// addSource adds a relation, unless GRANT and REVOKE wait for the step's lock.
func (sql *ReplacementSQL) addSource(major int, source PrivilegeSource) {
	if major < inventory.GrantLocks {
		sql.Sources = append(sql.Sources, source)
	}
}

// sourceInventoryName is the name in the ledger of the inventory of a source before a step. number is the replacement's.
func sourceInventoryName(s *onward.PlanStep, number int) string {
	return fmt.Sprintf("source %d before %s", number, s.ID)
}

// RecordSources records sources before the transaction of a step, so that the next run can read their privileges if this one ends after the commit.
func (props *Properties) RecordSources(ctx context.Context, sources []PrivilegeSource) error {
	if len(sources) == 0 {
		return nil
	}
	return props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for i := range sources {
			if err := ledger.WriteInventory(ctx, conn, props.record.Row.ID, sources[i].record, sources[i].before); err != nil {
				return err
			}
		}
		return nil
	})
}

// ReadSources returns the recorded sources of a committed step. A source that was dropped since is left out.
func (props *Properties) ReadSources(ctx context.Context, s *onward.PlanStep) (sources []PrivilegeSource, err error) {
	replacements := stepReplacements(s)
	if props.record.AsWritten || len(replacements) == 0 {
		return nil, nil
	}
	err = props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for i, r := range replacements {
			source := PrivilegeSource{target: r.Old, sets: r.Sets, record: sourceInventoryName(s, i)}
			name := newTableName(s, r.Old)
			if r.Kind == onward.ReplacementView {
				name, source.target = r.Old, r.New
			}
			if source.before, err = ledger.ReadInventory(ctx, conn, props.record.Row.ID, source.record); err != nil {
				return err
			}
			if source.before == nil || name == "" {
				continue
			}
			ids, err := live.FindRelations(ctx, conn, name)
			if err != nil {
				return err
			}
			if source.relation = ids[0]; source.relation != 0 {
				sources = append(sources, source)
			}
		}
		return nil
	})
	return sources, err
}

// ForgetSources deletes the records of sources whose privileges were carried over.
func (props *Properties) ForgetSources(ctx context.Context, sources []PrivilegeSource) error {
	return props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for i := range sources {
			if err := ledger.DeleteInventory(ctx, conn, props.record.Row.ID, sources[i].record); err != nil {
				return err
			}
		}
		return nil
	})
}

// grantPoll is the pause between two looks for transactions that change privileges.
const grantPoll = 100 * time.Millisecond

// ReadLatePrivileges returns, after the commit of a step, the statements that change the replacement's privileges as others changed the source's
// meanwhile. It waits for a while for their transactions.
func (props *Properties) ReadLatePrivileges(ctx context.Context, s *onward.PlanStep, sources []PrivilegeSource) (statements []string, err error) {
	for _, source := range sources {
		if err := props.waitForGrants(ctx, s, &source); err != nil {
			return nil, err
		}
		err := props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			ids, err := live.FindRelations(ctx, conn, source.target)
			if err != nil || ids[0] == 0 || ids[0] == source.relation {
				return err
			}
			now, err := inventory.ReadInventory(ctx, conn, props.session.Major, source.relation)
			if err != nil {
				return err
			}
			target, err := inventory.ReadInventory(ctx, conn, props.session.Major, ids[0])
			if err != nil {
				return err
			}
			var name string
			if err := conn.QueryRow(ctx, qualifiedName, ids[0]).Scan(&name); err != nil {
				return err
			}
			statements = append(statements, inventory.PrivilegeStatements(name, source.before, now, target, source.sets)...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return statements, nil
}

// waitForGrants waits until no transaction is under way that has changed the privileges of a source. It reports one that takes long.
func (props *Properties) waitForGrants(ctx context.Context, s *onward.PlanStep, source *PrivilegeSource) error {
	for began := time.Now(); ; {
		var unfinished bool
		err := props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, inventory.UnfinishedGrants, source.relation).Scan(&unfinished)
		})
		if err != nil || !unfinished {
			return err
		}
		if time.Since(began) > session.UnderLock {
			words := "a transaction that began before the step still changes the privileges of the table that was " + source.target +
				": repeat its GRANT and REVOKE on " + source.target + " after it"
			props.record.ReportEvent(run.Waits, s, words)
			return props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
				return props.record.LogEvent(ctx, conn, s.ID, "privileges", words)
			})
		}
		if err := queue.Pause(ctx, grantPoll); err != nil {
			return err
		}
	}
}
