"""Routes of the catalog."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.licensing.api.shapes import ProductOut, ProductSearch
from services.licensing.domain.errors import ProductNotFound
from shared.http.call import Query, read
from shared.http.documents import Direct, documents
from shared.http.pages import Page, answer_page

router = APIRouter(prefix="/v1/products", tags=["Licensing"], route_class=Direct)


@router.get("", **documents(answer=Page[ProductOut], query=ProductSearch))
async def list_products(request: Request) -> Response:
    """Search what can be bought; any caller may."""
    async with read(request) as call:
        asked = call.query(ProductSearch)
        sold = request.app.state.catalog.at(await call.now())
        wanted = (asked.search or "").casefold()
        after = asked.after() or ""
        found = [
            product
            for sku, product in sorted(sold.items())
            if sku > after and (wanted in sku.casefold() or wanted in product.name.casefold())
        ]
        answer_page(call, asked, [ProductOut.of(product) for product in found], key=lambda item: item.sku)
    return call.response


@router.get("/{sku}", **documents(answer=ProductOut, errors=[ProductNotFound]))
async def get_product(request: Request) -> Response:
    """One product with its prices of today."""
    async with read(request) as call:
        product = request.app.state.catalog.product(request.path_params["sku"], at=await call.now())
        call.query(Query)
        call.answer(200, ProductOut.of(product), version=1)
    return call.response
