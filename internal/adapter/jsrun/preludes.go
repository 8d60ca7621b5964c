package jsrun

import (
	"embed"
	"sync"

	"github.com/grafana/sobek"
)

// preludes are the scripts that make the objects of a program's world: its tool's object, and stubs of packages.
//
//go:embed prelude*.js
var preludes embed.FS

// compileOnce returns a function that compiles a script once for all programs of the child.
func compileOnce(name string) func() (*sobek.Program, error) {
	return sync.OnceValues(func() (*sobek.Program, error) {
		text, err := preludes.ReadFile(name)
		if err != nil {
			return nil, err
		}
		return sobek.Compile(name, string(text), true)
	})
}

var (
	compilePrelude = compileOnce("prelude.js")
	compileClient  = compileOnce("prelude_client.js")
)

// hashPreludes returns the hash of all scripts: with another one, programs may have other results.
var hashPreludes = sync.OnceValue(func() string {
	var texts []string
	files, _ := preludes.ReadDir(".") // the directory is part of the program
	for _, f := range files {
		text, _ := preludes.ReadFile(f.Name())
		texts = append(texts, f.Name(), string(text))
	}
	return hashText(texts...)
})

// worlds are the scripts of tools that have one of their own, by [Job.Tool].
var worlds = map[string]func() (*sobek.Program, error){
	"kysely": compileOnce("prelude_kysely.js"), "mikro-orm": compileOnce("prelude_mikroorm.js"),
	"node-pg-migrate": compileOnce("prelude_nodepgmigrate.js"), "db-migrate": compileOnce("prelude_dbmigrate.js"),
	"payload": compileClient, "client": compileClient, "strapi": compileOnce("prelude_strapi.js"),
}

// roots are the names of the tools' objects, by [Job.Tool].
var roots = map[string]string{
	"": "knex", "knex": "knex", "sequelize": "queryInterface", "typeorm": "queryRunner", "kysely": "db", "mikro-orm": "this",
	"node-pg-migrate": "pgm", "db-migrate": "db", "payload": "db", "client": "client",
	"strapi": "knex",
}
