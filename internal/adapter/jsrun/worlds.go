package jsrun

import (
	_ "embed"
	"sync"

	"github.com/grafana/sobek"
)

//go:embed prelude.js
var prelude string

//go:embed prelude_kysely.js
var kyselyPrelude string

//go:embed prelude_mikroorm.js
var mikroormPrelude string

//go:embed prelude_nodepgmigrate.js
var nodePgPrelude string

//go:embed prelude_dbmigrate.js
var dbMigratePrelude string

//go:embed prelude_client.js
var clientPrelude string

// compileOnce returns a function that compiles a script once for all programs of the child.
func compileOnce(name, text string) func() (*sobek.Program, error) {
	return sync.OnceValues(func() (*sobek.Program, error) { return sobek.Compile(name, text, true) })
}

var (
	compilePrelude = compileOnce("prelude.js", prelude)
	compileClient  = compileOnce("prelude_client.js", clientPrelude)
)

// worlds are the scripts of tools that have one of their own, by [Job.Tool].
var worlds = map[string]func() (*sobek.Program, error){
	"kysely": compileOnce("prelude_kysely.js", kyselyPrelude), "mikro-orm": compileOnce("prelude_mikroorm.js", mikroormPrelude),
	"node-pg-migrate": compileOnce("prelude_nodepgmigrate.js", nodePgPrelude),
	"db-migrate":      compileOnce("prelude_dbmigrate.js", dbMigratePrelude),
	"payload":         compileClient, "client": compileClient,
}

// roots are the names of the tools' objects, by [Job.Tool].
var roots = map[string]string{
	"": "knex", "knex": "knex", "sequelize": "queryInterface", "typeorm": "queryRunner", "kysely": "db", "mikro-orm": "this",
	"node-pg-migrate": "pgm", "db-migrate": "db", "payload": "db", "client": "client",
}
