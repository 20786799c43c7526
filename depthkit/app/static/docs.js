// Swagger's page of the web service, from files that are here; nothing is fetched from anywhere else.

SwaggerUIBundle({ url: "./openapi.json", dom_id: "#docs", validatorUrl: null, defaultModelsExpandDepth: 0 });
