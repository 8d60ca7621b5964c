package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// ConvertedAgain is the SQLSTATE of [onward.PlannedBackfill].Again.
const ConvertedAgain = "ON001"

// reconversionCheckSQL returns a DO block for [onward.PlannedBackfill].Again; "" if no value can be converted twice. Up to the contract,
// new code writes its values to the old column, and the trigger converts them. After amount * 100 or jsonb_build_object('name', a), they
// would be converted a second time. So a converted value must be converted to itself, or be refused by the old type. The block tries this
// with the values of the rows, and with the constants of USING.
func (w *replacement) reconversionCheckSQL() string {
	if !w.using || w.copiesBack {
		return ""
	}
	constants, zone := w.listUsingConstants()
	return strings.NewReplacer(
		"OLD_TYPE", typeName(w.old.Type), "NEW_TYPE", w.typ, "COLUMN", quoteIdent(w.old.Name), "TABLE", tableName(w.t),
		"CONSTANTS", strings.Join(constants, ", "), "CONVERSION", strings.ReplaceAll(w.conversion, "$1", "onward_old"),
		"SQLSTATE", pgparse.QuoteLiteral(ConvertedAgain), "TIME_ZONE", pgparse.QuoteLiteral(zone),
	).Replace(reconversionCheck)
}

// reconversionCheck compares the two values with *<>, which compares bytes: there are types without =.
const reconversionCheck = `DO $onward$
DECLARE
  onward_text text;
  onward_old OLD_TYPE;
  onward_new NEW_TYPE;
  onward_again NEW_TYPE;
BEGIN
  PERFORM pg_catalog.set_config('timezone', TIME_ZONE, true);
  FOR onward_text IN SELECT t.COLUMN::text FROM TABLE AS t UNION ALL SELECT pg_catalog.unnest(ARRAY[CONSTANTS]::text[]) LOOP
    BEGIN
      onward_old := onward_text::OLD_TYPE;
      onward_new := CONVERSION;
      onward_old := onward_new::text::OLD_TYPE;
      onward_again := CONVERSION;
    EXCEPTION WHEN OTHERS THEN
      CONTINUE; -- the server refuses the value, and the new code knows
    END;
    IF onward_new IS NOT NULL AND ROW(onward_again)::record *<> ROW(onward_new)::record THEN
      RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = 'a converted value becomes another one';
    END IF;
  END LOOP;
END
$onward$`

// listUsingConstants returns the texts in USING as literals, and the time zone of the sessions for which it is meant: the one that it names.
func (w *replacement) listUsingConstants() (literals []string, zone string) {
	zone = "UTC"
	for _, c := range w.changes {
		if !c.changesType() {
			continue
		}
		// The parser keeps the expression of USING in the place of a default.
		pgparse.Walk(c.Command.Def.GetColumnDef().GetRawDefault(), func(msg any) bool {
			switch n := msg.(type) {
			case *pgparse.A_Const:
				if n.GetSval() != nil {
					literals = append(literals, pgparse.QuoteLiteral(n.GetSval().Sval))
				}
			case *pgparse.FuncCall:
				if args := n.Args; pgparse.LastText(n.Funcname) == "timezone" && len(args) == 2 && args[0].GetAConst().GetSval() != nil {
					zone = args[0].GetAConst().GetSval().Sval
				}
			}
			return true
		})
	}
	slices.Sort(literals)
	return slices.Compact(literals), zone
}
