from sqlalchemy import BigInteger, Identity, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class HasNick:
    nickname: Mapped[str | None] = mapped_column(
        "nick",
        String,
    )


class Person(HasNick, Base):
    __tablename__ = "people"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String, server_default="new")
