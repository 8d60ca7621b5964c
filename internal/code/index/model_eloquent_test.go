package index_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

// eloquentModel is a file with a model; its body begins in line 8.
func eloquentModel(head, body string) string {
	return "<?php\nnamespace App\\Models;\nuse Illuminate\\Database\\Eloquent\\Model;\nuse Illuminate\\Database\\Eloquent\\SoftDeletes;\n" +
		"use Illuminate\\Database\\Eloquent\\Relations\\Pivot;\n" + head + "\n{\n" + body + "\n}\n"
}

// TestEloquentTables checks which table a class of Eloquent has.
func TestEloquentTables(t *testing.T) {
	t.Parallel()
	base := eloquentModel("abstract class Base extends Model", "    protected $primaryKey = 'uid';")
	for name, tt := range map[string]struct{ column, class, want string }{
		"plural":               {"people.id", eloquentModel("class Person extends Model", ""), "app/Models/A.php:6"},
		"capitals":             {"a_p_i_keys.id", eloquentModel("class APIKey extends Model", ""), "app/Models/A.php:6"},
		"one form":             {"user_feedback.id", eloquentModel("class UserFeedback extends Model", ""), "app/Models/A.php:6"},
		"own table":            {"old.id", eloquentModel("class Person extends Model", "    protected $table = 'old';"), "app/Models/A.php:6"},
		"not by its name":      {"people.id", eloquentModel("class Person extends Model", "    protected $table = 'old';"), ""},
		"schema":               {"crm.old.id", eloquentModel("class Person extends Model", "    protected $table = 'crm.old';"), "app/Models/A.php:6"},
		"base":                 {"people.uid", eloquentModel("class Person extends Base", ""), "app/Models/A.php:6"},
		"no table of the base": {"bases.uid", eloquentModel("class Person extends Base", ""), ""},
		"full name":            {"people.id", "<?php\nclass Person extends \\Illuminate\\Database\\Eloquent\\Model\n{\n}\n", "app/Models/A.php:2"},
		"alias":                {"people.id", "<?php\nuse Illuminate\\Foundation\\Auth\\User as Auth;\nclass Person extends Auth\n{\n}\n", "app/Models/A.php:3"},
		"pivot": {
			"role_user.user_id", eloquentModel("class RoleUser extends Pivot", "    protected $attributes = ['user_id' => 0];"), "app/Models/A.php:8",
		},
		"no model":     {"people.id", eloquentModel("class Person extends Resource", ""), ""},
		"in a comment": {"people.id", "<?php\nuse Illuminate\\Database\\Eloquent\\Model;\n/*\nclass Person extends Model\n*/\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bound(t, map[string]string{"app/Models/A.php": tt.class, "app/Models/Base.php": base})
			table, column := tt.column[:strings.LastIndexByte(tt.column, '.')], tt.column[strings.LastIndexByte(tt.column, '.')+1:]
			n := catalog.Name{Schema: "public", Name: table}
			if schema, name, ok := strings.Cut(table, "."); ok {
				n = catalog.Name{Schema: schema, Name: name}
			}
			if got := places(b.Column(n, column)); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestEloquentColumns checks which columns the statements of Eloquent name. A column with a minus is not named.
func TestEloquentColumns(t *testing.T) {
	t.Parallel()
	person := func(body string) map[string]string {
		return map[string]string{"app/Models/Person.php": eloquentModel("class Person extends Model", body)}
	}
	use := func(code string) map[string]string {
		return map[string]string{
			"app/Models/Person.php": eloquentModel("class Person extends Model", ""),
			"app/Use.php":           "<?php\nnamespace App;\nuse App\\Models\\Person;\nuse App\\Models\\Post;\n" + code + "\n",
			"app/Models/Post.php":   eloquentModel("class Post extends Model", ""),
		}
	}
	for name, tt := range map[string]struct {
		files   map[string]string
		columns string
	}{
		"times":            {person(""), "created_at updated_at -deleted_at -nick"},
		"no times":         {person("    public $timestamps = false;"), "-created_at -updated_at id"},
		"own times":        {person("    const CREATED_AT = 'made';\n    public const ?string UPDATED_AT = null;"), "made -created_at -updated_at"},
		"soft delete":      {person("    use HasFactory, SoftDeletes;"), "deleted_at"},
		"own soft delete":  {person("    use SoftDeletes;\n    const DELETED_AT = 'gone';"), "gone -deleted_at"},
		"casts":            {person("    protected $casts = ['nick' => 'array'];\n    protected $hidden = ['nick'];"), "-nick"},
		"fillable only":    {person("    protected $fillable = ['nick'];"), "-nick"},
		"fillable, hidden": {person("    protected $fillable = ['nick'];\n    protected $hidden = ['nick'];"), "nick"},
		"defaults":         {person("    protected $attributes = [\n        'nick' => 'x',\n    ];"), "nick -x"},
		"scope":            {person("    public function scopeOld($query)\n    { $query->where('nick', 1)->orWhereNull('gone'); }"), "nick gone"},
		"scope of another": {person("    function scopeOld($query) {\n $query->whereHas('posts', function ($query) { $query->where('nick', 1); });\n }"), "-nick"},
		"this":             {person("    public function x() { $this->nick = 'a'; $a = $this->size; if ($this->kind == 1) {} }"), "nick -size -kind"},
		"belongsTo":        {person("    public function boss() { return $this->belongsTo(Person::class); }"), "-boss_id"},
		"where":            {use("Person::where('nick', 1)->with('posts')->orderBy('rank')->get()->pluck('size');"), "nick rank -posts -size"},
		"lines":            {use("$x = Person::query()\n    ->where('nick', '=', 'rank')\n    ->pluck('size', 'id');"), "nick size -rank"},
		"array":            {use("Person::where(['nick' => 'kind', 'rank' => [1, 'size']])->get(['gone']);"), "nick rank gone -kind -size"},
		"dynamic":          {use("Person::whereNickName('a')->first();"), "nick_name"},
		"create":           {use("Person::create(['nick' => f(['rank' => 1]), 'size' => 'gone']);"), "nick size -rank -gone"},
		"insert":           {use("Person::insert([['nick' => 1], ['rank' => 2]]);"), "nick rank"},
		"of another":       {use("Post::create(['nick' => 1]);"), "-nick"},
		"not a model":      {use("Cache::get('nick'); $nick = Route::get('rank', [Person::class, 'size']);"), "-nick -rank -size"},
		"new":              {use("$p = new Person();\n$p->nick = 'a';\n$p->rank == 1;\n$p->update(['size' => 1]);"), "nick size -rank"},
		"found":            {use("$p = Person::findOrFail(1);\n$p->nick = 'a';"), "nick"},
		"list":             {use("$p = Person::all();\n$p->nick = 'a';"), "-nick"},
		"parameter":        {use("function f(Request $r, ?Person $person) { $person->nick = 'a'; $r->rank = 1; }"), "nick -rank"},
		"two classes":      {use("$p = new Person();\n$p = new Post();\n$p->nick = 'a';"), "-nick"},
		"join":             {use("Person::join('posts', 'posts.id', '=', 'people.post_id')->where('nick', 1)->where('people.rank', 1)->get();"), "rank -nick"},
		"json":             {use("Person::where('meta->theme->dark', 1)->select('nick as n')->get();"), "meta nick -theme"},
		"rule":             {use("$rules = ['nick' => 'required|unique:people,nick', 'x' => Rule::exists('people', 'rank')];"), "nick rank -x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bound(t, tt.files)
			for column := range strings.FieldsSeq(tt.columns) {
				name, absent := strings.CutPrefix(column, "-")
				if got := places(b.Column(catalog.Name{Schema: "public", Name: "people"}, name)); (got == "") != absent {
					t.Errorf("uses of column %s = %q, want none: %t", name, got, absent)
				}
			}
		})
	}
}

// TestEloquentRelations checks the columns that relations name in other tables.
func TestEloquentRelations(t *testing.T) {
	t.Parallel()
	b := bound(t, map[string]string{
		"app/Models/Person.php": eloquentModel("class Person extends Model",
			"    public function posts() { return $this->hasMany(Post::class); }\n"+
				"    public function edits() { return $this->hasMany(Post::class, 'editor_id', 'uid'); }\n"+
				"    public function notes() { return $this->morphMany(Post::class, 'about'); }\n"+
				"    public function tags() { return $this->belongsToMany(Tag::class)->withPivot('rank')->withTimestamps(); }\n"+
				"    public function teams() { return $this->belongsToMany(Team::class, 'members', 'who')->wherePivot('kind', 1); }"),
		"app/Models/Post.php": eloquentModel("class Post extends Model", ""),
	})
	for name, want := range map[string]string{
		"posts.person_id": "8", "posts.editor_id": "9", "posts.uid": "", "posts.about_id": "10", "posts.about_type": "10",
		"person_tag.person_id": "11", "person_tag.tag_id": "11", "person_tag.rank": "11", "person_tag.created_at": "11",
		"members.who": "12", "members.team_id": "12", "members.kind": "12", "members.person_id": "",
	} {
		if want != "" {
			want = "app/Models/Person.php:" + want
		}
		table, column, _ := strings.Cut(name, ".")
		if got := places(b.Column(catalog.Name{Schema: "public", Name: table}, column)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
