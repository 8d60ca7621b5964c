package rules

// elsewhere are names that squawk has for what a rule here is about. Who comes from it
// looks for those.
var elsewhere = map[string]string{
	"adding-field-with-default":                    "column-add-volatile-default",
	"adding-foreign-key-constraint":                "constraint-foreign-key-validating",
	"adding-not-nullable-field":                    "column-set-not-null",
	"adding-required-field":                        "column-add-required",
	"adding-serial-primary-key-field":              "column-add-serial",
	"ban-alter-domain-with-add-constraint":         "type-domain-constraint-scan",
	"ban-char-field":                               "column-type-ill-chosen",
	"ban-concurrent-index-creation-in-transaction": "transaction-concurrently-in-block",
	"ban-create-domain-with-constraint":            "column-add-constrained-domain",
	"ban-drop-column":                              "column-drop",
	"ban-drop-database":                            "database-drop",
	"ban-drop-not-null":                            "column-drop-not-null",
	"ban-drop-table":                               "table-drop",
	"ban-truncate-cascade":                         "table-truncate",
	"ban-uncommitted-transaction":                  "transaction-left-open",
	"changing-column-type":                         "column-type-rewrite",
	"constraint-missing-not-valid":                 "constraint-check-validating",
	"disallowed-unique-constraint":                 "constraint-unique-blocking",
	"prefer-bigint-over-int":                       "table-primary-key-short",
	"prefer-bigint-over-smallint":                  "table-primary-key-short",
	"prefer-robust-stmts":                          "idempotency-partial-failure",
	"prefer-text-field":                            "column-type-varchar-limited",
	"prefer-timestamp-tz":                          "column-type-timestamp-without-zone",
	"prefer-timestamptz":                           "column-type-timestamp-without-zone",
	"renaming-column":                              "column-rename",
	"renaming-table":                               "table-rename",
	"require-concurrent-index-creation":            "index-create-blocking",
	"require-concurrent-index-deletion":            "index-drop-blocking",
	"require-timeout-settings":                     "transaction-lock-timeout-missing",
	"transaction-nesting":                          "transaction-control-in-runner",
}

// Elsewhere is the rule here that is about what another tool calls by a name; "" for
// none.
func Elsewhere(name string) string { return elsewhere[name] }
