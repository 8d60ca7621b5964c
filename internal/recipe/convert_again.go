package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// ConvertedAgain is the SQLSTATE of [onward.PlannedBackfill].Again.
const ConvertedAgain = "ON001"

// convertAgain returns [onward.PlannedBackfill].Again. Up to the contract, new code writes its values to the old column, and the trigger converts
// them. After amount * 100 or jsonb_build_object('name', a), they would be converted a second time. So a value that the conversion gives
// must become itself, or be refused by the old type. It tries the values of the rows, and the constants of USING.
func (w *replacement) convertAgain() string {
	if !w.using || w.copiesBack {
		return ""
	}
	old, value := typeName(w.old.Type), strings.ReplaceAll(w.conversion, "$1", "onward_old")
	constants, zone := w.listUsingConstants()
	return fmt.Sprintf(`DO $onward$
DECLARE
  onward_text text;
  onward_old %[1]s;
  onward_new %[2]s;
  onward_again %[2]s;
BEGIN
  PERFORM pg_catalog.set_config('timezone', %[8]s, true);
  FOR onward_text IN SELECT t.%[3]s::text FROM %[4]s AS t UNION ALL SELECT pg_catalog.unnest(ARRAY[%[5]s]::text[]) LOOP
    BEGIN
      onward_old := onward_text::%[1]s;
      onward_new := %[6]s;
      onward_old := onward_new::text::%[1]s;
      onward_again := %[6]s;
    EXCEPTION WHEN OTHERS THEN
      CONTINUE; -- the server refuses the value, and the new code knows
    END;
    IF onward_new IS NOT NULL AND ROW(onward_again)::record *<> ROW(onward_new)::record THEN
      RAISE EXCEPTION USING ERRCODE = %[7]s, MESSAGE = 'a converted value becomes another one';
    END IF;
  END LOOP;
END
$onward$`, old, w.typ, quoteIdent(w.old.Name), tableName(w.t), strings.Join(constants, ", "), value,
		pgparse.QuoteLiteral(ConvertedAgain), pgparse.QuoteLiteral(zone))
}

// listUsingConstants returns the texts in USING as literals, and the time zone of the sessions for which it is meant: the one that it names.
func (w *replacement) listUsingConstants() (literals []string, zone string) {
	zone = "UTC"
	for _, c := range w.changes {
		if !c.changesType() {
			continue
		}
		pgparse.Walk(c.Command.Def.GetColumnDef().GetRawDefault(), func(msg any) bool {
			switch n := msg.(type) {
			case *pgparse.A_Const:
				if n.GetSval() != nil {
					literals = append(literals, pgparse.QuoteLiteral(n.GetSval().Sval))
				}
			case *pgparse.FuncCall:
				if name := n.Args; pgparse.LastText(n.Funcname) == "timezone" && len(name) == 2 && name[0].GetAConst().GetSval() != nil {
					zone = name[0].GetAConst().GetSval().Sval
				}
			}
			return true
		})
	}
	slices.Sort(literals)
	return slices.Compact(literals), zone
}
