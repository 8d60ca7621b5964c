package read_test

import (
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/read"
)

// TestHostileModels checks that models are read in a time that grows with their size only.
func TestHostileModels(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	for name, tt := range map[string]struct{ file, head, unit string }{
		"Ruby classes":   {"a.rb", "", "class A < ApplicationRecord\n"},
		"Ruby nested":    {"a.rb", "ApplicationRecord", "module A\n class B < C\n  validates :a, :b,"},
		"Ruby list":      {"a.rb", "class A < ApplicationRecord\n  self.ignored_columns = [\n", ":a,\n"},
		"Ruby line":      {"a.rb", "class A < ApplicationRecord\n  scope :a, -> { where(", "a: 1).where("},
		"Python calls":   {"a.py", "class A(Base):\n    __tablename__ = 'a'\n", "    x = mapped_column(\n"},
		"Python open":    {"a.py", "class A(Base):\n    __tablename__ = 'a'\n    x = mapped_column(\n", "        (\n"},
		"Python tables":  {"a.py", "", "x = Table(\n"},
		"Python bases":   {"a.py", "x = Table()\n", "class A(A, B):\n    x = Column()\n"},
		"Python line":    {"a.py", "class A(Base):\n    __tablename__ = 'a'\n    x = mapped_column(", "String(1), name="},
		"objects":        {"a.js", "sequelize ", "A.init({\n"},
		"closed objects": {"a.js", "sequelize ", "A.init({a: DataTypes.X, b: {}}, {})\n"},
		"nested objects": {"a.js", "sequelize A.init({", "a: {\n"},
		"Drizzle":        {"a.ts", "drizzle-orm pgSchema(\n", "x = a.table(\"b\", {a: text()})\n"},
		"entities":       {"a.ts", "", "@Entity()\nclass A extends A {\n  @Column(() => A)\n  aB: A\n}\n"},
		"owners":         {"a.js", "sequelize A.init({a: DataTypes.X})\n", "A.belongsTo(B, {foreignKey: {"},
		"PHP classes":    {"a.php", "<?php\n", "class A extends Model\n{\n protected $fillable = ['a'];\n"},
		"PHP calls":      {"a.php", "<?php\nuse A;\n", "A::where("},
		"PHP relations":  {"a.php", "<?php\nclass A extends Model\n{\n", "function a() { $this->hasMany(A::class, 'a'"},
		"PHP bases":      {"a.php", "<?php\n", "trait A\n{\n use A, B;\n protected $fillable = ['a'];\n}\nclass B extends A\n{\n use A;\n protected $table = 'a';\n"},
		"Ecto open":      {"a.ex", "schema \"a\" do\n", " field :a,\n"},
		"C# classes":     {"a.cs", "", "class A : A\n{\n  public string B { get; set; }\n  DbSet<A> B {\n"},
		"C# snapshot":    {"AModelSnapshot.cs", "using Npgsql;\n", "m.Entity(\"A.B\", b =>\nb.OwnsOne(\"C\", \"C\", b =>\nb.Property<a>(\"D\")\n"},
		"Ruby arguments": {"a.rb", "class A < ApplicationRecord\n  validates ", ":a, "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := []byte(tt.head + strings.Repeat(tt.unit, size/len(tt.unit)))
			begin := time.Now()
			f := read.Read(tt.file, text)
			read := time.Since(begin)
			index.NewIndex([]index.File{{Path: tt.file, Facts: f}})
			if t.Logf("read in %v, with its index in %v", read, time.Since(begin)); time.Since(begin) > time.Minute {
				t.Error("too slow")
			}
		})
	}
}
