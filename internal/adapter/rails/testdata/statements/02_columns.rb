class Columns < ActiveRecord::Migration[6.1]
  def change
    add_column :accounts, :nick, :string
    add_column :accounts, :score, :integer, default: 0, null: false
    add_column :accounts, :left_at, :datetime, precision: 6
    add_column :accounts, :joined_at, :datetime
    add_column :accounts, :note, :text, comment: "free"
    add_column :accounts, :nick, :string, if_not_exists: true
    add_column :accounts, :ratio, :decimal, precision: 5
    add_column :accounts, :status, "character varying(9)", default: "new"
    add_column :things, :list, :text, array: true, default: [], null: false
    add_reference :things, :account, foreign_key: true
    add_reference :things, :owner, polymorphic: true, index: true
    add_belongs_to :things, :post, index: { unique: true }, foreign_key: { on_delete: :nullify, name: "thing_post" }, null: true
    rename_column :posts, :slug, :handle
    change_column :accounts, :small, :bigint
    change_column :accounts, :name, :text, null: true, default: "x"
    change_column :accounts, :bio, :string, limit: 20
    change_column :accounts, :number, :integer, using: "number::integer", default: nil
    change_column_null :accounts, :nick, false
    change_column_null :accounts, :bio, false, "none"
    change_column_null :accounts, :small, false, 7
    change_column_null :accounts, :nick, true
    change_column_default :accounts, :nick, "it's"
    change_column_default :accounts, :nick, from: "it's", to: nil
    change_column_default :accounts, :active, from: true, to: false
    change_column_default :accounts, :score, 5
    change_column_default :accounts, :tags, []
    change_column_comment :accounts, :note, from: "free", to: "text"
    change_table_comment :accounts, "people"
    add_timestamps :plain, default: -> { "now()" }
    add_timestamps :empty, null: true
    remove_column :accounts, :state
    remove_column :accounts, :kind, :string, default: "x"
    remove_columns :accounts, :born_on, :at
    remove_timestamps :plain
    remove_reference :things, :account, foreign_key: true
    remove_reference :things, :owner, polymorphic: true
    remove_belongs_to :things, :post
  end
end
