class CreateTables < ActiveRecord::Migration[6.1]
  def change
    create_table :accounts do |t|
      t.string :name, null: false, limit: 80, comment: "it's shown"
      t.text :bio, default: "a 'b'"
      t.integer :small, limit: 2, default: "3"
      t.integer :large, limit: 8, default: 0, null: false
      t.bigint :count, default: 0
      t.boolean :active, default: true, null: false
      t.boolean :hidden, default: "f"
      t.decimal :price, precision: 10, scale: 2, default: 1
      t.decimal :plain
      t.float :rate, default: 1
      t.datetime :seen_at
      t.datetime :exact_at, precision: 3, default: -> { "now()" }
      t.date :born_on
      t.time :at
      t.binary :blob
      t.json :a, default: {}
      t.jsonb :b, default: [], null: false
      t.jsonb :c, default: { "a" => 1, b: [true, nil, "x<y"] }
      t.jsonb :d, default: "{}"
      t.string :tags, array: true, default: []
      t.string :words, array: true, default: ["a", "b c"]
      t.integer :numbers, array: true
      t.uuid :token, default: "gen_random_uuid()"
      t.uuid :other
      t.inet :ip
      t.string :state, default: :open
      t.string :number, default: 5
      t.column :kind, :string, default: "x"
      t.column "raw", "character varying(12)"
      t.timestamps
    end
    create_table "posts", comment: "what they write" do |t|
      t.references :account, null: false, foreign_key: true
      t.belongs_to :author, foreign_key: { to_table: :accounts, on_delete: :cascade }, index: { unique: true }
      t.references :subject, polymorphic: true, null: false
      t.references :plain, index: false, type: :integer
      t.string :slug, index: true
      t.string :path, index: { unique: true, name: "by_path" }
      t.index [:slug, :path], where: "path IS NOT NULL"
      t.index "lower(slug)", name: "by_lower_slug"
      t.index :path, using: :hash, name: "hashed"
      t.check_constraint "slug <> ''", name: "slug_not_empty"
      t.timestamps null: true, index: true
    end
    create_table :things, id: :uuid do |t|
      t.text :name
    end
    create_table(:plain, id: false) { |t| t.integer :a }
    create_table(:empty)
    create_table :keys, primary_key: :code, id: :string, force: true
    create_table :big, id: :bigint
    create_table :small, id: :integer
    create_table :pairs, primary_key: [:a, :b] do |t|
      t.integer :a
      t.integer :b
    end
    create_table :fresh, if_not_exists: true do |t|
      t.string :x, index: true
    end
    create_join_table :accounts, :things do |t|
      t.index [:account_id, :thing_id]
    end
    create_join_table :music_artists, :music_records
    create_join_table :posts, :accounts, table_name: :likes, column_options: { null: true }
  end
end
