package index_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

// TestSQLAlchemyModels checks the columns that models of SQLAlchemy name in each query, and their tables.
func TestSQLAlchemyModels(t *testing.T) {
	t.Parallel()
	const hasKind, heir = "class HasKind:\n", "class User(HasKind, Base):\n    __tablename__ = 'users'\n"
	const named = "class Base(DeclarativeBase):\n    @declared_attr.directive\n    def __tablename__(cls) -> str:\n" +
		"        return snake(cls.__name__)\n\nclass UserGroup(Base):\n"
	const user = "class User(Base):\n    __tablename__ = 'users'\n"
	for name, tt := range map[string]struct {
		table, text, want string
	}{
		"name in the next line": {"users", user + "    sort: Mapped[str] = mapped_column(\n        'kind',\n        String,\n    )\n", "m.py:3"},
		"not by its field":      {"users", user + "    kind: Mapped[str] = mapped_column(\n        'sort', String\n    )\n", ""},
		"name by keyword":       {"users", user + "    sort = Column(\n        String(10),\n        name='kind',\n    )\n", "m.py:3"},
		"name of a type":        {"users", user + "    sort = Column(Enum('a', name='kind'))\n", ""},
		"after a long field": {
			"users", user + "    x = relationship(\n        'X',\n        back_populates='user',\n    )\n    kind = deferred(Column(String))\n", "m.py:7",
		},
		"an unclosed call":       {"users", user + "    x = mapped_column(\n    kind = Column(String)\n", ""},
		"after an unclosed call": {"users", user + "    x = mapped_column(\n    y = Column(String)\n    kind = Column(String)\n", "m.py:5"},
		"relationship":           {"users", user + "    kind: Mapped[list['Kind']] = relationship(\n        back_populates='user'\n    )\n", ""},
		"plain mixin":            {"users", hasKind + "    kind: Mapped[str]\n\n" + heir + "    id: Mapped[int]\n", "m.py:2"},
		"declared_attr":          {"users", hasKind + "    @declared_attr\n    def kind(cls):\n        return Column(String)\n\n" + heir, "m.py:4"},
		"declared relationship":  {"users", hasKind + "    @declared_attr\n    def kind(cls):\n        return relationship('Kind')\n\n" + heir, ""},
		"single table":           {"users", user + "    id: Mapped[int]\n\nclass Admin(User):\n    kind: Mapped[str]\n", "m.py:6"},
		"joined table":           {"users", user + "    id: Mapped[int]\n\nclass Admin(User):\n    __tablename__ = 'admins'\n    kind: Mapped[str]\n", ""},
		"table by class":         {"user_group", named + "    kind: Mapped[str]\n", "m.py:7"},
		"composite":              {"users", user + "    at: Mapped[Point] = composite(mapped_column('kind'), mapped_column('y'))\n", "m.py:3"},
		"core over lines": {
			"users", "users = Table(\n    'users',\n    meta,\n    sa.Column(\n        'kind',\n        ForeignKey('kinds.id'),\n    ),\n)\n", "m.py:4",
		},
		"core, schema":            {"crm.users", "users = Table('users', meta, Column('kind', String), schema='crm')\n", "m.py:1"},
		"core, another schema":    {"crm.users", "users = Table(\n    'users',\n    meta,\n    Column('kind', String),\n    schema='shop',\n)\n", ""},
		"core, schema of an enum": {"public.users", "users = Table(\n    'users',\n    meta,\n    Column('kind', Enum(Kind, schema='crm')),\n)\n", "m.py:4"},
		"SQLModel":                {"users", "class Users(SQLModel, table=True):\n    kind: str = Field(\n        default='a',\n    )\n", "m.py:2"},
		"class variable":          {"users", "class Users(SQLModel, table=True):\n    kind: ClassVar[str] = 'a'\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkColumn(t, name, map[string]string{"m.py": tt.text}, nameOf(tt.table), "kind", tt.want)
		})
	}
}

// nameOf returns a name with the schema before its dot.
func nameOf(text string) catalog.Name {
	if schema, name, ok := strings.Cut(text, "."); ok {
		return catalog.Name{Schema: schema, Name: name}
	}
	return catalog.Name{Name: text}
}
