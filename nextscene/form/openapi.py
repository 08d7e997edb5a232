"""The frame of the OpenAPI document of Cog's server: the paths and messages that every predictor has in common.

In: the schemas that one predictor adds (its inputs, its output, its enumerations). Out: the whole document. It knows
neither predictors nor where the schemas come from.
"""

import json
from importlib.metadata import version
from typing import Any

Json = dict[str, Any]


def document(inputs: Json, output: Json, enums: dict[str, Json], streams: bool, trains: bool = False) -> Json:
    """The document that Cog writes around the schemas of a predictor, or of a training."""
    paths = {
        "/": _get("Root", "root__get"),
        "/health-check": _get("Healthcheck", "healthcheck_health_check_get"),
        "/predictions": _predict(streams and not trains),
        "/predictions/{prediction_id}/cancel": _cancel(),
    }
    messages = _messages()
    own = {"Input": inputs, "Output": {"title": "Output", **output}}
    if trains:
        paths, messages = json.loads(_of_a_training(json.dumps([paths, messages])))
        own = {f"Training{name}": schema for name, schema in own.items()}
    schemas = own | enums | messages
    return {
        "openapi": "3.0.2",
        "info": {"title": "Cog", "version": version("cog")},
        "paths": paths,
        "components": {"schemas": {name: {"title": name, **schema} for name, schema in schemas.items()}},
    }


def merged(predicts: Json, trains: Json) -> Json:
    """One document of both, as Cog writes it for a model that is also trained: where both have a name, prediction's."""
    paths = {name: path for name, path in trains["paths"].items() if name not in predicts["paths"]}
    own = predicts["components"]["schemas"]
    schemas = {name: schema for name, schema in trains["components"]["schemas"].items() if name not in own}
    return predicts | {"paths": predicts["paths"] | paths, "components": {"schemas": own | schemas}}


def _of_a_training(text: str) -> str:
    """What is said of predictions, said of trainings, as Cog says it."""
    words = {"prediction": "training", "Prediction": "Training", "predict": "train", "Predict": "Train"}
    words |= {f'schemas/{name}"': f'schemas/Training{name}"' for name in ("Input", "Output")}
    for word, other in words.items():
        text = text.replace(word, other)
    return text


def title(name: str) -> str:
    """A name as people read it: `lora_scale` is `Lora Scale`."""
    return " ".join(word[:1].upper() + word[1:] for word in name.split("_"))


def reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _predict(streams: bool) -> Json:
    return _post(
        "Predict",
        "predict_predictions_post",
        reference("PredictionResponse"),
        description="Run a single prediction on the model",
        requestBody={"content": _json(reference("PredictionRequest"))},
        **({"x-cog-streaming": True} if streams else {}),
    )


def _cancel() -> Json:
    return _post(
        "Cancel",
        "cancel_predictions__prediction_id__cancel_post",
        {},
        parameters=[{"name": "prediction_id", "in": "path", "required": True, "schema": _text("prediction_id")}],
    )


def _get(summary: str, operation_id: str) -> Json:
    responses = {"200": _response("Successful Response", {})}
    return {"get": {"summary": summary, "operationId": operation_id, "responses": responses}}


def _post(summary: str, operation_id: str, answer: Json, **more: Any) -> Json:
    responses = {
        "200": _response("Successful Response", answer),
        "422": _response("Validation Error", reference("HTTPValidationError")),
    }
    return {"post": {"summary": summary, "operationId": operation_id, "responses": responses, **more}}


def _messages() -> dict[str, Json]:
    text_or_number = {"anyOf": [{"type": "string"}, {"type": "integer"}]}
    return {
        "PredictionRequest": _object(id=_text("id"), input=reference("Input")),
        "PredictionResponse": _object(
            input=reference("Input"),
            output=reference("Output"),
            **{name: _text(name) for name in ("id", "version", "status", "error", "logs")},
            **{name: _text(name) | {"format": "date-time"} for name in ("created_at", "started_at", "completed_at")},
            metrics={"title": "Metrics", "type": "object"},
        ),
        "Status": {
            "description": "An enumeration.",
            "enum": ["starting", "processing", "succeeded", "canceled", "failed"],
            "type": "string",
        },
        "HTTPValidationError": _object(detail=_array("Detail", reference("ValidationError"))),
        "ValidationError": {
            "required": ["loc", "msg", "type"],
            **_object(loc=_array("Location", text_or_number), msg=_text("Message"), type=_text("Error Type")),
        },
    }


def _response(description: str, schema: Json) -> Json:
    return {"description": description, "content": _json(schema)}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _object(**properties: Json) -> Json:
    return {"type": "object", "properties": properties}


def _array(heading: str, items: Json) -> Json:
    return {"title": heading, "type": "array", "items": items}


def _text(name: str) -> Json:
    return {"title": title(name), "type": "string"}
