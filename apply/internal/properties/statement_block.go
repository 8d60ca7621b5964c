package properties

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// statementBlock is a DO block, in which the server itself runs the statements that queries return. So a transaction that holds locks waits for no
// message about them. The transaction has onward's own search_path before and afterwards.
type statementBlock struct {
	path      string // by which relations are found
	variables int
	begin     strings.Builder
	body      strings.Builder
}

func (props *Properties) newStatementBlock() *statementBlock {
	return &statementBlock{path: props.session.Path}
}

// declareRelation returns an expression for the OID of a relation, by its name for SQL: NULL if it does not exist when the block begins.
func (b *statementBlock) declareRelation(name string) string {
	b.variables++
	variable := fmt.Sprintf("onward_relation%d", b.variables)
	fmt.Fprintf(&b.begin, "  %s := pg_catalog.to_regclass(%s)::pg_catalog.oid;\n", variable, pgparse.QuoteLiteral(name))
	return variable
}

// addExecuteLoop runs the statements that a query returns, in its order. [CarriedSQL] selects them.
func (b *statementBlock) addExecuteLoop(query string) {
	b.body.WriteString("  FOR onward_command IN\n" + query + `
  LOOP
    EXECUTE onward_command;
    PERFORM pg_catalog.set_config('` + carriedSetting + `',
      (` + carriedList + ` OPERATOR(pg_catalog.||) pg_catalog.to_jsonb(onward_command))::pg_catalog.text, true);
  END LOOP;
`)
}

// addPropertyCopies gives a relation what another one has, if both exist.
func (b *statementBlock) addPropertyCopies(major int, r *onward.PlanReplacement, old, fresh string) {
	b.body.WriteString("  IF " + old + " IS NOT NULL AND " + fresh + " IS NOT NULL THEN\n")
	for _, query := range live.PropertyQueries(major, r, old, fresh) {
		b.addExecuteLoop(query)
	}
	b.body.WriteString("  END IF;\n")
}

// addRefusals refuses the step if a query returns a sentence.
func (b *statementBlock) addRefusals(queries []string) {
	for _, query := range queries {
		b.body.WriteString("  FOR onward_command IN\n" + query + `
  LOOP
    RAISE EXCEPTION USING ERRCODE = '` + session.RefusedCode + `', MESSAGE = onward_command;
  END LOOP;
`)
	}
}

// addInventoryRecord writes what a relation has into the ledger, if it exists, without some of its children.
func (b *statementBlock) addInventoryRecord(major int, plan, name, relation string, excluded []uint32) {
	oid := b.declareRelation(relation)
	write := ledger.WriteInventorySQL(plan, name, inventory.FormatListQuery(major, oid, excluded...))
	b.body.WriteString("  IF " + oid + " IS NOT NULL THEN\n    " + write + ";\n  END IF;\n")
}

// format returns the block as one statement: DO LANGUAGE plpgsql $$ DECLARE … BEGIN … END $$.
func (b *statementBlock) format() string {
	var declared strings.Builder
	for i := range b.variables {
		fmt.Fprintf(&declared, "  onward_relation%d pg_catalog.oid;\n", i+1)
	}
	return "DO LANGUAGE plpgsql " + pgparse.DollarQuote("\nDECLARE\n  onward_command pg_catalog.text;\n"+declared.String()+
		"BEGIN\n  PERFORM pg_catalog.set_config('search_path', "+pgparse.QuoteLiteral(b.path)+", true);\n"+b.begin.String()+
		"  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);\n"+b.body.String()+"END\n") + ";\n"
}

const (
	// carriedSetting has the statements that blocks of this transaction have run, as a list in JSON.
	carriedSetting = "onward.carried"
	carriedList    = "coalesce(nullif(pg_catalog.current_setting('" + carriedSetting + "', true), ''), '[]')::pg_catalog.jsonb"
	// CarriedSQL selects the statements that the blocks of a transaction have run. [ReadCarried] reads them.
	CarriedSQL = "SELECT " + carriedList + "::pg_catalog.text AS " + session.ReportedColumn + ";\n"
)

// ReadCarried returns the statements of [CarriedSQL].
func ReadCarried(texts []string) (statements []string, err error) {
	for _, text := range texts {
		var list []string
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, err
		}
		statements = append(statements, list...)
	}
	return statements, nil
}
