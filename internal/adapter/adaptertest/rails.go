package adaptertest

import (
	"maps"
	"os/exec"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// RailsFiles returns the files of an application: own, and those that every application has. database is a line of its
// database.yml. A test without Rails is skipped.
func RailsFiles(t testing.TB, database string, own map[string]string) map[string]string {
	t.Helper()
	if err := exec.Command("ruby", "-e", `gem "railties"; gem "activerecord"; gem "pg"`).Run(); err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	files := map[string]string{
		"bin/rails": "#!/usr/bin/env ruby\nAPP_PATH = File.expand_path('../config/application', __dir__)\nrequire 'rails/commands'\n",
		"Rakefile":  "require_relative 'config/application'\nRails.application.load_tasks\n",
		"config/application.rb": "require 'rails'\nrequire 'active_record/railtie'\nmodule Shop\n  class Application < Rails::Application\n" +
			"    config.load_defaults 6.1\n    config.eager_load = false\n    config.active_record.dump_schema_after_migration = false\n  end\nend\n",
		"config/environment.rb": "require_relative 'application'\nRails.application.initialize!\n",
		"config/database.yml":   "production:\n  adapter: postgresql\n  " + database + "\n",
	}
	maps.Copy(files, own)
	return files
}

// RailsMigration returns the text of a migration.
func RailsMigration(class string, body ...string) string {
	return "class " + class + " < ActiveRecord::Migration[6.1]\n  def up\n    " + strings.Join(body, "\n    ") + "\n  end\nend\n"
}
