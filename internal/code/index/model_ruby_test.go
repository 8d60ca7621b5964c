package index_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

const railsRecord = "class ApplicationRecord < ActiveRecord::Base\n  primary_abstract_class\nend\n"

// TestRubyTables checks which table a class of Active Record has: by its name, its base class and the modules around it.
func TestRubyTables(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		table string
		files map[string]string
		want  string
	}{
		"irregular plural":  {"people", map[string]string{"m/person.rb": "class Person < ApplicationRecord\nend\n"}, "m/person.rb:1"},
		"plural of a movie": {"movies", map[string]string{"m/movie.rb": "class Movie < ApplicationRecord\nend\n"}, "m/movie.rb:1"},
		"status":            {"order_statuses", map[string]string{"m/a.rb": "class OrderStatus < ApplicationRecord\nend\n"}, "m/a.rb:1"},
		"in a plain module": {"reports", map[string]string{"m/a.rb": "module Admin\n  class Report < ApplicationRecord\n  end\nend\n"}, "m/a.rb:2"},
		"prefix of a module": {
			"admin_reports", map[string]string{
				"m/a.rb":     "module Admin\n  class Report < ApplicationRecord\n  end\nend\n",
				"m/admin.rb": "module Admin\n  def self.table_name_prefix\n    \"admin_\"\n  end\nend\n",
			}, "m/a.rb:2",
		},
		"not without prefix": {
			"reports", map[string]string{
				"m/a.rb":     "class Admin::Report < ApplicationRecord\nend\n",
				"m/admin.rb": "module Admin\n  def self.table_name_prefix = 'admin_'\nend\n",
			}, "",
		},
		"engine": {
			"shop_orders", map[string]string{
				"m/a.rb":        "module Shop\n  class Order < ApplicationRecord\n  end\nend\n",
				"lib/engine.rb": "module Shop\n  class Engine < ::Rails::Engine\n    isolate_namespace Shop\n  end\nend\n",
			}, "m/a.rb:2",
		},
		"in a model": {
			"event_plans", map[string]string{
				"m/e.rb": "class Event < ApplicationRecord\nend\n",
				"m/p.rb": "class Event\n  class Plan < ApplicationRecord\n  end\nend\n",
			}, "m/p.rb:2",
		},
		"in a model, not": {
			"plans", map[string]string{
				"m/e.rb": "class Event < ApplicationRecord\nend\n",
				"m/p.rb": "class Event::Plan < ApplicationRecord\nend\n",
			}, "",
		},
		"own base class": {
			"orders", map[string]string{
				"m/b.rb": "class Shop::Base < ActiveRecord::Base\n  self.abstract_class = true\nend\n",
				"m/o.rb": "class Order < Shop::Base\n  belongs_to :user\nend\n",
			}, "m/o.rb:1",
		},
		"prefix of its base": {
			"shop_orders", map[string]string{
				"m/b.rb": "class Base < ActiveRecord::Base\n  self.abstract_class = true\n  self.table_name_prefix = 'shop_'\nend\n",
				"m/o.rb": "class Order < Base\n  belongs_to :user\nend\n",
			}, "m/o.rb:1",
		},
		"no record": {"orders", map[string]string{"m/o.rb": "class Order < Struct::Base\n  validates :kind, presence: true\nend\n"}, ""},
		"form": {
			"orders", map[string]string{
				"f/o.rb": "class Order < BaseForm\n  validates :kind, presence: true\nend\n",
				"f/b.rb": "class BaseForm < ActiveModel::Base\n  validates :x\nend\n",
			}, "",
		},
		"own table": {
			"old_orders", map[string]string{
				"m/o.rb": "class Order < ApplicationRecord\n  self.table_name = :old_orders\nend\n",
			}, "m/o.rb:1",
		},
		"computed table": {
			"orders", map[string]string{
				"m/o.rb": "class Order < ApplicationRecord\n  self.table_name = \"#{PREFIX}orders\"\nend\n",
			}, "",
		},
		"abstract": {"application_records", map[string]string{}, ""},
		"subclass": {
			"users", map[string]string{
				"m/u.rb": "class User < ApplicationRecord\nend\n",
				"m/a.rb": "class Admin < User\n  enum :kind, [:a]\nend\n",
			}, "m/a.rb:2 m/u.rb:1",
		},
		"ignored": {
			"users", map[string]string{
				"m/u.rb": "class User < ApplicationRecord\n  self.ignored_columns += [:age,\n    \"kind\"] # gone\n  enum :kind, [:a]\nend\n",
			}, "",
		},
		"ignored, appended": {"users", map[string]string{"m/u.rb": "class User < ApplicationRecord\n  ignored_columns << \"kind\"\nend\n"}, ""},
		"ignored in a base": {
			"users", map[string]string{
				"m/b.rb": "class Base < ApplicationRecord\n  self.abstract_class = true\n  self.ignored_columns = %i[kind]\nend\n",
				"m/u.rb": "class User < Base\n  belongs_to :x\nend\n",
			}, "",
		},
		"ignored in a module": {
			"users", map[string]string{
				"m/l.rb": "module Legacy\n  extend ActiveSupport::Concern\n  included do\n    self.ignored_columns = %w[\n      kind\n    ]\n  end\nend\n",
				"m/u.rb": "class User < ApplicationRecord\n  include Legacy\nend\n",
			}, "",
		},
		"other ignored": {
			"users", map[string]string{
				"m/u.rb": "class User < ApplicationRecord\n  self.ignored_columns += %w[age]\nend\n",
			}, "m/u.rb:1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.files["m/application_record.rb"] = railsRecord
			checkColumn(t, name, tt.files, catalog.Name{Name: tt.table}, "kind", tt.want)
		})
	}
}

// TestRubyColumns checks the lines of a model that name a column.
func TestRubyColumns(t *testing.T) {
	t.Parallel()
	for line, columns := range map[string]string{
		"enum :status, { a: 1 }":                                                    "status -active",
		"enum role: [:admin]":                                                       "role -admin",
		"belongs_to :account, optional: true":                                       "account_id -account_type",
		"belongs_to :target, polymorphic: true":                                     "target_id target_type",
		"belongs_to :boss, class_name: 'User', foreign_key: :manager_id":            "manager_id -boss_id",
		"belongs_to :boss, foreign_key: KEY":                                        "-boss_id",
		"validates :email, :nick, presence: true":                                   "email nick -presence",
		"validates_presence_of :full_name, if: :named":                              "full_name -named",
		"alias_attribute :login, :user_login":                                       "user_login -login",
		"store_accessor :settings, :theme":                                          "settings -theme",
		"has_secure_password":                                                       "password_digest",
		"acts_as_paranoid":                                                          "deleted_at",
		"acts_as_paranoid column: :gone_at":                                         "gone_at -deleted_at",
		"include Discard::Model":                                                    "discarded_at",
		"self.discard_column = :gone_at":                                            "gone_at",
		"default_scope { where(removed: nil).order(:rank) }":                        "removed rank",
		"scope :recent, -> { where('x').where.not(seen: nil, posts: { kind: 1 }) }": "seen -kind",
		"scope :x, -> { merge(Post.where(kind: 1)) }":                               "-kind",
		"has_many :posts, -> { where(kind: 1) }":                                    "-kind",
	} {
		text := railsRecord + "class User < ApplicationRecord\n  " + line + "\nend\n"
		b := bound(t, map[string]string{"m/user.rb": text})
		for column := range strings.FieldsSeq(columns) {
			want := "m/user.rb:5"
			if column[0] == '-' {
				want, column = "m/user.rb:4", column[1:] // that of the class
			}
			if got := places(b.Column(catalog.Name{Name: "users"}, column)); got != want {
				t.Errorf("%s: %s: %q, want %q", line, column, got, want)
			}
		}
	}
}

// TestLoadedBy tells models that loaded a column from those that ignore it, and from mappers that ask for what a program names.
func TestLoadedBy(t *testing.T) {
	t.Parallel()
	b := bound(t, map[string]string{
		"m/user.rb": railsRecord + "class User < ApplicationRecord\n  self.ignored_columns += ['age']\nend\n",
		"m/old.rb":  "class Visit < Sequel::Model(:visits)\nend\n",
	})
	for name, want := range map[string]string{"users.kind": `self.ignored_columns += ["kind"] in User`, "users.age": "", "visits.kind": ""} {
		table, column, _ := strings.Cut(name, ".")
		if _, got := b.LoadedBy(catalog.Name{Name: table}, column); strings.Join(got, "\n") != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
