package migrations

import "github.com/pressly/goose/v3"

func init() {
	goose.AddMigrationNoTxContext(up, down) // way_down
}
