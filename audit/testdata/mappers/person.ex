defmodule Shop.Person do
  use Ecto.Schema

  schema "people" do
    field :nickname, :string,
      source: :nick

    belongs_to :parent, Shop.Person
    has_many :children, Shop.Person, foreign_key: :parent_id
  end
end
