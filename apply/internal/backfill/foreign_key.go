package backfill

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/onward"
)

// foreignKeyProof is the progress of proving a plan's foreign keys. After a kill the rows are read
// again from the start, because the plan is not done before its last foreign key is proven.
type foreignKeyProof struct {
	keys     []foreignKey
	readKeys int // number of keys that are read
	pass     ledger.Verification
	rows     int64
	found    []string // sentences about keys with rows that have no parent
}

// foreignKey is a foreign key that a plan made or renamed.
type foreignKey struct {
	name, table, referred string
	rows                  onward.PlanComparison
}

// OrphanSearch searches for rows whose foreign keys refer to nothing.
type OrphanSearch struct {
	session  *session.Session
	record   *progress.Record
	throttle *Throttle
	proof    *foreignKeyProof // in progress; nil before and after
}

// NewOrphanSearch returns the search of a run.
func NewOrphanSearch(s *session.Session, r *progress.Record, t *Throttle) *OrphanSearch {
	return &OrphanSearch{session: s, record: r, throttle: t}
}

// IsInMemory reports whether a proof is under way, which another process would begin again.
func (search *OrphanSearch) IsInMemory() bool { return search.proof != nil }

// ProveForeignKeys reads some rows of the referring tables and finds those without a parent.
func (search *OrphanSearch) ProveForeignKeys(ctx context.Context, s *onward.PlanStep, budget time.Duration) (run.State, error) {
	if search.throttle.Size == 0 {
		search.throttle.Size = onward.PlanBatch
	}
	if search.proof == nil {
		keys, err := search.readForeignKeys(ctx)
		if err != nil {
			return run.State{}, err
		}
		search.proof = &foreignKeyProof{keys: keys}
	}
	for end := time.Now().Add(budget); search.proof.readKeys < len(search.proof.keys); {
		p, retryAfter, err := search.throttle.nextPace(ctx, s, s.Repeat)
		if err != nil || retryAfter > 0 {
			return run.State{Step: s, Again: retryAfter}, err
		}
		start := time.Now()
		rows, err := search.findOrphans(ctx, &search.proof.keys[search.proof.readKeys])
		if err != nil {
			return run.State{}, err
		}
		if rows > 0 {
			search.throttle.Size = p.nextSize(search.throttle.Size, time.Since(start))
		}
		if pause, mustReturn := p.pause(ctx, time.Since(start), end); mustReturn {
			return run.State{Step: s, Again: pause}, nil
		}
	}
	proof := search.proof
	search.proof = nil
	if len(proof.found) > 0 {
		return run.State{}, &run.RefusedError{Text: "the plan is not done: " + strings.Join(proof.found, ". ") +
			". Correct or delete these rows, then run onward contract again",
			Next: underway.ContractCommand(search.record.Row, search.record.Scope.Schema)}
	}
	if len(proof.keys) == 0 {
		return run.State{Done: true}, nil
	}
	return run.State{Done: true}, search.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return search.record.LogEvent(ctx, conn, "", "foreign keys proven", fmt.Sprintf("%d foreign keys, %d rows read", len(proof.keys), proof.rows))
	})
}

// findOrphans reads the next rows of a referring table in a short transaction. A table without a key
// is read at once.
func (search *OrphanSearch) findOrphans(ctx context.Context, k *foreignKey) (rows int64, err error) {
	next, limit := search.proof.pass, time.Duration(0)
	if len(k.rows.Keys) > 0 {
		ctx, limit = context.WithoutCancel(ctx), chunkTime
	}
	err = search.session.InGuardedTransaction(ctx, rowWait, limit, func(ctx context.Context, tx pgx.Tx) error {
		if err := forbidRowSecurity(ctx, tx); err != nil {
			return err
		}
		if len(k.rows.Keys) > 0 {
			chunk, err := countWrong(ctx, tx, &k.rows, &next, search.throttle.Size)
			if chunk != nil && err == nil {
				rows = chunk.addToPass(&next)
			}
			return err
		}
		next.Part++
		return tx.QueryRow(ctx, "SELECT pg_catalog.count(*) FILTER (WHERE "+k.rows.Wrong+"), pg_catalog.count(*) FROM "+k.table+" AS t").Scan(&next.Wrong, &next.Rows)
	})
	switch {
	case session.ClassifyError(err) == session.TimedOut && limit > 0 && search.throttle.Size > FewestRows:
		search.throttle.Size = max(FewestRows, search.throttle.Size/4)
		return 0, nil
	case err != nil:
		return 0, err
	}
	search.proof.pass = next
	if next.Part == 0 {
		return rows, nil
	}
	if next.Wrong > 0 {
		columns := "*"
		if len(k.rows.Keys) > 0 {
			columns = strings.Join(k.rows.Keys, ", ")
		}
		search.proof.found = append(search.proof.found, fmt.Sprintf("foreign key %s of %s does not hold. %d rows refer to rows that %s does not have: "+
			"SELECT %s FROM %[2]s AS t WHERE %[6]s",
			k.name, k.table, next.Wrong, k.referred, columns, k.rows.Wrong))
	}
	search.proof.rows += next.Rows
	search.proof.readKeys, search.proof.pass = search.proof.readKeys+1, ledger.Verification{}
	return rows, nil
}

// foreignKeysQuery finds valid foreign keys by constraint name and table name. For each it returns a
// condition that finds rows without a parent, with the operators that the server uses. It also returns
// the columns of a unique key of the referring table, which split its rows into chunks.
const foreignKeysQuery = `
SELECT quote_ident(k.conname), k.conrelid::regclass::text, k.confrelid::regclass::text,
  coalesce((SELECT array_agg(quote_ident(a.attname) ORDER BY c.place) FROM unnest((
      SELECT (i.indkey::int2[])[0:i.indnkeyatts - 1] FROM pg_catalog.pg_index AS i
      WHERE i.indrelid = k.conrelid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute AS o WHERE o.attrelid = i.indrelid AND o.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) AND NOT o.attnotnull)
      ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1
    )) WITH ORDINALITY AS c (number, place) JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = c.number), '{}'),
  p.present, p.absent, k.confmatchtype = 'f', p.equal
FROM pg_catalog.pg_constraint AS k
CROSS JOIN LATERAL (
  SELECT string_agg('t.' || quote_ident(f.attname) || ' IS NOT NULL', ' AND ' ORDER BY i) AS present, string_agg('t.' || quote_ident(f.attname) || ' IS NULL', ' AND ' ORDER BY i) AS absent,
    string_agg('p.' || quote_ident(r.attname) || ' OPERATOR(' || quote_ident(s.nspname) || '.' || o.oprname || ') t.' || quote_ident(f.attname) ||
      CASE WHEN r.attcollation <> f.attcollation AND r.attcollation <> 0 THEN ' COLLATE ' || quote_ident(l.nspname) || '.' || quote_ident(b.collname) ELSE '' END, ' AND ' ORDER BY i) AS equal
  FROM generate_subscripts(k.conkey, 1) AS i
  JOIN pg_catalog.pg_attribute AS f ON f.attrelid = k.conrelid AND f.attnum = k.conkey[i]
  JOIN pg_catalog.pg_attribute AS r ON r.attrelid = k.confrelid AND r.attnum = k.confkey[i]
  JOIN pg_catalog.pg_operator AS o ON o.oid = k.conpfeqop[i] JOIN pg_catalog.pg_namespace AS s ON s.oid = o.oprnamespace
  LEFT JOIN pg_catalog.pg_collation AS b ON b.oid = r.attcollation LEFT JOIN pg_catalog.pg_namespace AS l ON l.oid = b.collnamespace
) AS p
WHERE k.contype = 'f' AND k.convalidated AND k.conparentid = 0 AND coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false) = false
  AND k.conrelid = ANY ($1::oid[]) AND k.conname = ANY ($2::text[])
ORDER BY 2, 1`

// readForeignKeys returns the foreign keys that the plan's steps made or renamed, as they are in the
// database now.
func (search *OrphanSearch) readForeignKeys(ctx context.Context) (out []foreignKey, err error) {
	names, err := namesInSteps(search.record.Plan.Steps)
	if err != nil || len(names.constraints) == 0 {
		return nil, err
	}
	err = search.session.InGuardedTransaction(ctx, rowWait, session.UnderLock, func(ctx context.Context, tx pgx.Tx) error {
		ids, err := live.FindRelationsIn(ctx, tx, search.session.Path, names.relations...)
		if err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, foreignKeysQuery, ids, names.constraints)
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (k foreignKey, err error) {
			var present, absent, equal string
			var full bool
			if err := row.Scan(&k.name, &k.table, &k.referred, &k.rows.Keys, &present, &absent, &full, &equal); err != nil {
				return k, err
			}
			k.rows.Table = k.table
			k.rows.Wrong = present + " AND NOT EXISTS (SELECT FROM " + k.referred + " AS p WHERE " + equal + ")"
			if full {
				k.rows.Wrong = "NOT (" + absent + ") AND NOT (" + present + " AND EXISTS (SELECT FROM " + k.referred + " AS p WHERE " + equal + "))"
			}
			return k, nil
		})
		return err
	})
	return out, err
}

// stepNames holds the names of relations and constraints that the steps of a plan change.
type stepNames struct {
	relations, constraints []string // relations are quoted, without a schema for the search path
}

func namesInSteps(steps []onward.PlanStep) (n stepNames, err error) {
	for i := range steps {
		f, err := pgparse.SplitText(steps[i].SQL)
		if err != nil {
			return n, run.NewInputError(steps[i].ID + ": " + err.Error())
		}
		for _, s := range f.Stmts {
			switch stmt := s.Node.GetNode().(type) {
			case *pgparse.Node_AlterTableStmt:
				n.addRelation(stmt.AlterTableStmt.Relation, "")
				for _, cmd := range stmt.AlterTableStmt.Cmds {
					if con := cmd.GetAlterTableCmd().GetDef().GetConstraint(); con.GetContype() == pgparse.ConstrType_CONSTR_FOREIGN && con.Conname != "" {
						n.constraints = append(n.constraints, con.Conname)
					}
				}
			case *pgparse.Node_RenameStmt:
				switch stmt.RenameStmt.RenameType {
				case pgparse.ObjectType_OBJECT_TABCONSTRAINT:
					n.addRelation(stmt.RenameStmt.Relation, "")
					n.constraints = append(n.constraints, stmt.RenameStmt.Newname)
				case pgparse.ObjectType_OBJECT_TABLE:
					n.addRelation(stmt.RenameStmt.Relation, stmt.RenameStmt.Newname)
				}
			}
		}
	}
	return n, nil
}

// addRelation adds a relation, and its new name.
func (n *stepNames) addRelation(r *pgparse.RangeVar, newName string) {
	for _, name := range []string{r.GetRelname(), newName} {
		if name != "" {
			quoted := pgparse.QuoteIdent(name)
			if r.GetSchemaname() != "" {
				quoted = pgparse.QuoteIdent(r.GetSchemaname()) + "." + quoted
			}
			n.relations = append(n.relations, quoted)
		}
	}
}
